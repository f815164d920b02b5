"""What mails about items say."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from finale_pipeline.notify.lines import ItemLine, as_csv, money
from finale_pipeline.notify.messages import Content, Section, VendorRow
from finale_pipeline.text import plain

Changes = Mapping[str, tuple[str, str]]
SET_ASIDE = {"acknowledged", "snoozed", "ordered"}
WORST = 3
"""Items of each vendor that the digest shows."""
MOST_VENDORS = 40


def out_of_stock(lines: Sequence[ItemLine], changes: Changes) -> Content:
    """Items that have just run out."""
    return Content(
        "out_of_stock",
        f"Out of stock: {_count(lines)}{_first(lines)}",
        f"{_count(lines)} ran out",
        intro=["Nothing is available of what is listed here. Each is told once."],
        sections=[Section(lines, shows="order")],
        csv=as_csv(lines, changes),
    )


def reorder_needed(lines: Sequence[ItemLine], changes: Changes) -> Content:
    """Items that have just fallen below their reorder point, by supplier."""
    return Content(
        "reorder_needed",
        f"Reorder needed: {_count(lines)}{_first(lines)}",
        f"{_count(lines)} fell below the reorder point",
        sections=by_vendor(lines),
        csv=as_csv(lines, changes),
    )


def back_in_stock(lines: Sequence[ItemLine], changes: Changes) -> Content:
    """Items whose shortage was mailed and is over."""
    still = _at(lines, "low")
    note = [f"{still} of them are still below the reorder point."] if still else []
    return Content(
        "back_in_stock",
        f"Back in stock: {_count(lines)}{_first(lines)}",
        f"{_count(lines)} available again",
        intro=note,
        sections=[Section(lines)],
        csv=as_csv(lines, changes),
    )


def breaker(lines: Sequence[ItemLine], changes: Changes, *, watched: int) -> Content:
    """So many crossings at once that single mails would help nobody."""
    out = _at(lines, "out")
    return Content(
        "breaker",
        f"Held back: {len(lines):,} of {watched:,} items worsened at once",
        f"{len(lines):,} items worsened in one sync ({out:,} out); their mails were held back",
        intro=[
            "So many at once are rather a fault of the data than news about each item. The data"
            " stand as Finale sent them, and every crossing is recorded.",
            "Look at a few of them in Finale. If it is true, the attached list is your work list;"
            " the morning digest has it too. If not, correct it there: the next sync closes them.",
        ],
        sections=[Section(lines)],
        csv=as_csv(lines, changes),
    )


def summary(lines: Sequence[ItemLine], *, watched: int) -> Content:
    """The first evaluation: what was met, and that from now on changes are told."""
    out = _at(lines, "out")
    return Content(
        "summary",
        f"Watching {watched:,} products: {out:,} out, {len(lines) - out:,} low",
        f"{watched:,} products are watched from now on",
        intro=[
            f"At the beginning {out:,} are out and {len(lines) - out:,} are low. They are recorded;"
            " a mail tells of every change from now on.",
        ],
        sections=[Section(lines, shows="order")],
        csv=as_csv(lines),
    )


def digest(
    lines: Sequence[ItemLine],
    *,
    flapping: int,
    unsent: int,
    totals: Mapping[str, str] | None = None,
) -> Content:
    """The morning's list: a table of vendors, then the worst items of each, no vendor last.

    Args:
        lines: Worst first.
        flapping: Items whose mails were held back since the last digest because they flap.
        totals: What the plan orders from each vendor, by name, with its currency.
    """
    due = [line for line in lines if line.state not in SET_ASIDE]
    out = _at(due, "out")
    notes = []
    if len(lines) > len(due):
        notes.append(f"{len(lines) - len(due):,} more are acknowledged, snoozed or ordered.")
    if flapping:
        notes.append(f"{flapping:,} items flap at their border; they were told once.")
    if unsent:
        notes.append(f"{unsent:,} mails could not be delivered: see the page of mails.")
    groups = _by_risk(due)
    sections = [
        Section(mine[:WORST], name or NO_VENDOR, _shown(mine), shows="quantity")
        for name, mine in groups.items()
    ][:MOST_VENDORS]
    return Content(
        "digest",
        f"Stock this morning: {out:,} out, {len(due) - out:,} low",
        f"{out:,} out and {len(due) - out:,} low need a decision" if due else "Nothing to decide",
        intro=notes,
        sections=sections,
        csv=as_csv(lines) if lines else None,
        vendors=[
            VendorRow(
                name,
                len(mine),
                _at(mine, "out"),
                _at_risk(mine),
                (totals or {}).get(name, "") if name else "",
            )
            for name, mine in groups.items()
        ][:MOST_VENDORS],
        inline=WORST * MOST_VENDORS,
        others=len(due) - sum(len(section.lines) for section in sections),
    )


NO_VENDOR = "No vendor in Finale"


def _by_risk(lines: Sequence[ItemLine]) -> dict[str, list[ItemLine]]:
    """Group items by vendor's name: most money at risk first, then most items; no vendor last."""
    vendors = _grouped(lines, lambda line: plain(line.vendor_name or ""))
    return dict(sorted(vendors.items(), key=lambda v: (not v[0], -_risk(v[1]), -len(v[1]))))


def _risk(lines: Sequence[ItemLine]) -> Decimal:
    return sum((line.money_at_risk or Decimal(0) for line in lines), Decimal(0))


def _at_risk(lines: Sequence[ItemLine]) -> str:
    """Money at risk with its currency; empty when none is known."""
    return money(risk, lines[0].account_currency) if (risk := _risk(lines)) else ""


def _shown(mine: Sequence[ItemLine]) -> str:
    return f"the worst {WORST} of {len(mine):,}" if len(mine) > WORST else _count(mine)


def catch_up(lines: Sequence[ItemLine], *, merged: int) -> Content:
    """One present picture in place of mails that waited too long."""
    return _present(
        lines,
        f"{len(lines):,} items changed while mails could not be sent",
        f"In place of {merged} mails that waited, how these items stand now.",
        as_csv(lines),
    )


def since_backup(lines: Sequence[ItemLine], changes: Changes) -> Content:
    """What changed since the backup that was restored, some of which was mailed back then."""
    return _present(
        lines,
        f"{len(lines):,} items changed since the backup that was restored",
        "Some of it may have been mailed before the restore; here each item stands once, as it"
        " is now.",
        as_csv(lines, changes),
    )


def _present(lines: Sequence[ItemLine], title: str, intro: str, csv: bytes) -> Content:
    critical = [line for line in lines if line.level != "ok"]
    well = len(lines) - len(critical)
    return Content(
        "catch_up",
        f"Stock, caught up: {len(critical):,} critical, {well:,} well again",
        title,
        intro=[intro],
        sections=[
            *by_vendor(critical),
            Section([line for line in lines if line.level == "ok"], "Well again"),
        ],
        csv=csv,
    )


def by_vendor(lines: Sequence[ItemLine]) -> list[Section]:
    """Group items by supplier; the supplier with the most pressing item comes first."""
    sections = []
    for supplier, mine in _grouped(lines, lambda line: line.supplier).items():
        risk = _at_risk(mine)
        note = f"{_count(mine)}, {risk} at risk" if risk else _count(mine)
        sections.append(Section(mine, supplier[:1].upper() + supplier[1:], note, shows="quantity"))
    return sections


def _grouped(
    lines: Sequence[ItemLine], key: Callable[[ItemLine], str]
) -> dict[str, list[ItemLine]]:
    groups: dict[str, list[ItemLine]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return groups


def _at(lines: Sequence[ItemLine], level: str) -> int:
    return sum(line.level == level for line in lines)


def _count(lines: Sequence[ItemLine]) -> str:
    return f"{len(lines):,} item" + ("" if len(lines) == 1 else "s")


def _first(lines: Sequence[ItemLine]) -> str:
    """Name the item when it is the only one."""
    return f" ({lines[0].title})" if len(lines) == 1 else ""
