// Keys, ticks and the search's suggestions. Every page works without this file.
"use strict";
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

document.documentElement.classList.add("js");

// The list of items: j/k move, x ticks, letters press the buttons below it.
const list = one("#list");
const boxes = list ? all("td.tick input", list) : [];
const rowOf = (box) => box.closest("tr");
let current = -1;

function counted() {
  const ticked = boxes.filter((box) => box.checked).length;
  one("#ticked").textContent = ticked ? `${ticked} ticked` : "";
  const first = boxes.find((box) => box.checked);
  list.elements.row.value = first ? rowOf(first).id.slice(1) : "";
}

function go(to) {
  if (!boxes.length) return;
  current = Math.max(0, Math.min(boxes.length - 1, to));
  boxes[current].focus();
  rowOf(boxes[current]).scrollIntoView({ block: "nearest" });
}

function press(name) {
  const button = all("button[name=do]", list).find((b) => b.value === name);
  if (!button) return;
  // A key with nothing ticked is about the row that it is on.
  if (current >= 0 && !boxes.some((box) => box.checked)) boxes[current].checked = true;
  counted();
  list.requestSubmit(button);
}

const keys = {
  j: () => go(current + 1),
  k: () => go(current - 1),
  x: () => { if (current < 0) go(0); else boxes[current].click(); },
  a: () => one("#page-all").click(),
  e: () => press("acknowledged"),
  o: () => press("ordered"),
  s: () => press("snoozed"),
  n: () => list.elements.note.focus(),
  v: () => { const fold = one("details", rowOf(boxes[Math.max(current, 0)])); fold.open = !fold.open; },
  Enter: () => { if (current >= 0) one("td.name a", rowOf(boxes[current])).click(); },
};

if (list) {
  const every = one("#page-all");
  every.hidden = false;
  every.addEventListener("change", () => {
    for (const box of boxes) box.checked = every.checked;
    counted();
  });
  list.addEventListener("change", counted);
  boxes.forEach((box, place) => box.addEventListener("focus", () => { current = place; }));
  const opener = one("button.keys", list);
  opener.hidden = false;
  opener.addEventListener("click", () => one("#keys").showModal());
  const at = /^#i(\d+)$/.exec(location.hash);
  // Not before the browser has gone to the fragment itself: that takes the focus away.
  if (at) addEventListener("load", () => go(Math.min(Number(at[1]), boxes.length) - 1));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const field = event.target;
  const types = field.matches?.("input:not([type=checkbox]), select, textarea");
  if (types) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (one("dialog[open]")) return;
  if (event.key === "/") one("header input[name=q]").focus();
  else if (event.key === "?" && one("#keys")) one("#keys").showModal();
  else if (event.key === "z" && one("#undo")) one("#undo").click();
  else if (list && keys[event.key] && !(event.key === "Enter" && !field.matches?.("td.tick input"))) keys[event.key]();
  else return;
  event.preventDefault();
});

// A filter applies as soon as it is chosen.
for (const form of all("form.filters")) {
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
}

// Ticks and numbers of the plan: the bar says how many are chosen.
const plan = one("#vendors");
if (plan) {
  const ticks = all("td.tick input", plan);
  const every = one("#page-all");
  every.hidden = false;
  every.addEventListener("change", () => { for (const box of ticks) box.checked = every.checked; });
}

// Suggestions under the search: arrows choose, Enter opens.
const search = one("header input[name=q]");
const hits = one("#hits");
let asked = 0;

function mark(place) {
  const links = all("a", hits);
  links.forEach((link, n) => link.setAttribute("aria-selected", n === place));
  if (links[place]) search.setAttribute("aria-activedescendant", links[place].id);
  else search.removeAttribute("aria-activedescendant");
}

function shut() {
  hits.hidden = true;
  search.setAttribute("aria-expanded", "false");
}

search.addEventListener("input", async () => {
  const number = ++asked;
  const text = search.value.trim();
  if (!text) return shut();
  const answer = await fetch(`/search/hits?q=${encodeURIComponent(text)}`);
  if (number !== asked || !answer.ok) return;
  hits.innerHTML = await answer.text();
  hits.hidden = !hits.children.length;
  search.setAttribute("aria-expanded", String(!hits.hidden));
  mark(-1);
});

search.addEventListener("keydown", (event) => {
  const links = all("a", hits);
  const place = links.findIndex((link) => link.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") mark(Math.min(place + 1, links.length - 1));
  else if (event.key === "ArrowUp") mark(Math.max(place - 1, -1));
  else if (event.key === "Enter" && place >= 0 && !hits.hidden) location.href = links[place].href;
  else if (event.key === "Escape") return shut();
  else return;
  event.preventDefault();
});
search.addEventListener("blur", () => setTimeout(shut, 200));
