"""The buyer's list: every item that is out or low, with what is planned and decided of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from finale_pipeline.warehouse.connect import Connection, Row, in_any_case
from finale_pipeline.warehouse.reads.incidents import ACCOUNT_CURRENCY, MOST_URGENT, WANTS_DECISION

NO_VENDOR, NO_CATEGORY = "(no supplier known)", "(no category)"
TABS = ("open", "nothing", "decided", "all")
"""Parts of the list: to decide, to decide with nothing to order, decided; all of them."""
LINES = """
SELECT DISTINCT ON (product_url) product_url, vendor_url, vendor, is_dropped, quantity_units,
       suggested_units, line_total, currency
FROM plan.purchase_line WHERE snapshot_on = %(day)s
ORDER BY product_url, is_dropped, quantity_units DESC
"""
ITEMS = f"""
SELECT *, CASE WHEN NOT wants_decision THEN 'decided' WHEN order_units <> 0 THEN 'open'
               ELSE 'nothing' END AS tab
FROM (
    SELECT c.product_url, p.sku, p.name, p.category, c.level, c.available_units, c.on_order_units,
           c.days_left, c.money_at_risk, x.next_due_on AS due_on, x.next_due_units AS due_units,
           x.overdue_units, d.abc_class || d.xyz_class AS class,
           d.velocity_units_per_day AS units_per_day,
           coalesce(d.demand_flags || x.decision_flags, '{{}}') AS flags,
           CASE WHEN l.vendor_url <> '' THEN l.vendor WHEN x.vendor_url IS NOT NULL THEN v.name
                ELSE c.vendor_name END AS vendor,
           coalesce(l.vendor_url, x.vendor_url, c.vendor_url, '') AS vendor_url,
           CASE WHEN l.is_dropped THEN 0 ELSE coalesce(l.quantity_units, c.suggested_units) END
               AS order_units,
           CASE WHEN NOT l.is_dropped THEN l.line_total END AS order_total, l.currency,
           coalesce(l.is_dropped, false) AS is_dropped,
           coalesce(l.suggested_units, c.suggested_units) AS suggested_units,
           {WANTS_DECISION} AS wants_decision, i.incident_id, c.snapshot_on
    FROM plan.critical_item c
    JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
    JOIN core.product p USING (product_url)
    LEFT JOIN plan.decision x ON x.product_url = c.product_url AND x.snapshot_on = %(day)s
    LEFT JOIN plan.demand d ON d.product_url = c.product_url AND d.snapshot_on = %(day)s
    LEFT JOIN core.vendor v ON v.vendor_url = x.vendor_url
    LEFT JOIN ({LINES}) l ON l.product_url = c.product_url
    LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL
) t
"""
SORTS = {
    "level": "level <> 'out'",
    "product": "lower(sku)",
    "available": "available_units",
    "coming": "due_on",
    "days": "days_left",
    "order": "order_units",
    "cost": "order_total",
    "vendor": "lower(vendor)",
    "risk": "money_at_risk",
    "class": "class",
}
"""What each column is sorted by; where that is not known, the item comes last either way."""
AT = """
SELECT product_url FROM plan.forecast_by_location
WHERE snapshot_on = %(day)s AND location_url = %(location)s
UNION SELECT product_url FROM core.stock_level_by_location WHERE location_url = %(location)s
"""
"""Products that lie, sell or are reordered at a location, named by its address."""
FILTERS = {
    "q": "concat_ws(E'\\n', sku, name, vendor) ~ %(q)s",
    "vendor": f"coalesce(nullif(vendor, ''), '{NO_VENDOR}') = %(vendor)s",
    "category": f"coalesce(nullif(category, ''), '{NO_CATEGORY}') = %(category)s",
    "location": f"product_url IN ({AT})",
    "level": "level = %(level)s",
    "class": "starts_with(class, %(class)s)",
    "flag": "%(flag)s = ANY (flags)",
}
PAGE = f"""
, facts AS (
    SELECT jsonb_build_object(
        'tabs', (SELECT jsonb_object_agg(tab, many)
                 FROM (SELECT tab, count(*) AS many FROM matching GROUP BY 1) t),
        'vendor', (SELECT jsonb_agg(DISTINCT coalesce(nullif(vendor, ''), '{NO_VENDOR}'))
                   FROM item),
        'category', (SELECT jsonb_agg(DISTINCT coalesce(nullif(category, ''), '{NO_CATEGORY}'))
                     FROM item),
        'class', (SELECT jsonb_agg(DISTINCT left(class, 1)) FROM item WHERE class <> ''),
        'flag', (SELECT jsonb_agg(DISTINCT flag) FROM item, unnest(flags) flag)) AS facts
), page AS (
    SELECT *, row_number() OVER (ORDER BY {{order}}) AS place
    FROM matching WHERE %(tab)s IN ('all', tab) ORDER BY place
    LIMIT %(rows)s OFFSET greatest(0, least((%(page)s - 1) * %(rows)s,
        ((SELECT count(*) FROM matching WHERE %(tab)s IN ('all', tab)) - 1)
        / %(rows)s * %(rows)s))
)
SELECT CASE WHEN row_number() OVER (ORDER BY t.place) = 1 THEN facts.facts END AS facts, t.*,
       coalesce(i.state, 'open') AS incident_state, i.decided_by, i.decided_at, i.snoozed_until,
       i.note, c.why
FROM facts LEFT JOIN page t ON true
LEFT JOIN plan.critical_item c USING (product_url, snapshot_on)
LEFT JOIN ops.incident i USING (incident_id)
ORDER BY t.place
"""
"""A page's items, and with the first of them what all items come to."""
COUNTS = f"""
SELECT count(*) FILTER (WHERE c.level = 'out') AS out,
       count(*) FILTER (WHERE c.level <> 'out') AS low,
       count(*) FILTER (WHERE NOT ({WANTS_DECISION})) AS decided,
       coalesce(sum(c.money_at_risk) FILTER (WHERE {WANTS_DECISION}), 0) AS at_risk
FROM plan.critical_item c
JOIN ops.evaluation e ON e.snapshot_on = c.snapshot_on
LEFT JOIN ops.incident i ON i.subject = c.product_url AND i.closed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class ListPage:
    """What was found.

    Attributes:
        rows: Those of the page asked for; a page behind the last one is the last.
        many: How many match in this part of the list.
        number: Of the page, from 1.
        pages: How many there are.
        tabs: Items that match, per part of the list.
        choices: Values that filters may have, per filter, of the items looked at.
    """

    rows: list[Row]
    many: int
    number: int
    pages: int
    tabs: dict[str, int]
    choices: dict[str, list[str]]


def _matching(filters: Mapping[str, Any], *, only_waiting: bool) -> str:
    conditions = " AND ".join(FILTERS[name] for name in filters)
    return (
        f"WITH item AS MATERIALIZED ({ITEMS}{'WHERE wants_decision' if only_waiting else ''}),"
        f" matching AS (SELECT * FROM item{f' WHERE {conditions}' if conditions else ''})"
    )


def _order(sort: str | None) -> str:
    """Return the order of a column, `-` before it = downwards; then the most urgent first."""
    if not sort:
        return MOST_URGENT
    down = " DESC" if sort.startswith("-") else ""
    return f"{SORTS[sort.removeprefix('-')]}{down} NULLS LAST, {MOST_URGENT}"


def _bound(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {**filters, "q": in_any_case(filters.get("q", ""))}


def page(
    connection: Connection,
    day: date | None,
    now: datetime,
    filters: Mapping[str, Any],
    *,
    tab: str,
    sort: str | None = None,
    number: int = 1,
    rows: int = 25,
    decided: int | None = None,
) -> ListPage:
    """Return a page of the items that are out or low.

    Args:
        day: Of the newest plan; None = there is none yet.
        now: UTC; a snooze that is over by then is no decision any more.
        filters: Values of FILTERS; those of others are not asked for.
        sort: One of SORTS, `-` before it = downwards; None = the most urgent first.
        decided: How many were decided, so that these need not be looked at; None = look.
    """
    query = _matching(filters, only_waiting=decided is not None) + PAGE.format(order=_order(sort))
    result = connection.rows(query, **_bound(filters),
        day=day, now=now, tab=tab, page=number, rows=rows,
    )  # fmt: skip
    facts = result[0]["facts"]
    tabs = dict.fromkeys(TABS, 0) | (facts["tabs"] or {})
    tabs["decided"] += decided or 0
    many = sum(tabs[name] for name in TABS) if tab == "all" else tabs[tab]
    tabs["all"] = sum(tabs.values())
    pages = max(1, -(-many // rows))
    return ListPage(
        [row for row in result if row["product_url"] is not None],
        many,
        min(number, pages),
        pages,
        tabs,
        {
            name: sorted(facts[name] or [], key=str.casefold)
            for name in ("vendor", "category", "class", "flag")
        },
    )


def products(
    connection: Connection,
    day: date | None,
    now: datetime,
    filters: Mapping[str, Any],
    *,
    tab: str,
    sort: str | None = None,
) -> list[str]:
    """Return the products of all that is asked for, in order. Arguments: as `page`."""
    query = (
        f"{_matching(filters, only_waiting=False)} SELECT product_url FROM matching"
        f" WHERE %(tab)s IN ('all', tab) ORDER BY {_order(sort)}"
    )
    return connection.texts(query, **_bound(filters), day=day, now=now, tab=tab)


def counts(connection: Connection, now: datetime) -> Row:
    """Return how many items are `out` or `low` and `decided`; of the others, money `at_risk`."""
    return connection.rows(COUNTS, now=now)[0]


LOCATIONS = """
SELECT f.facility_url, f.name FROM core.facility f
WHERE f.parent_url IS NULL AND f.removed_at IS NULL AND f.name <> '' ORDER BY f.name
"""
LATE = """
SELECT count(*) AS orders, coalesce(sum(l.open_units), 0) AS units,
       min(o.due_on) AS since_on
FROM core.purchase_order o
LEFT JOIN LATERAL (SELECT sum(open_units) AS open_units FROM core.purchase_order_line l
                   WHERE l.order_url = o.order_url) l ON true
WHERE o.is_open AND o.removed_at IS NULL AND o.due_on < %s
"""


def locations(connection: Connection) -> list[Row]:
    """Return the locations, by name."""
    return connection.rows(LOCATIONS)


def late_orders(connection: Connection, today: date) -> Row:
    """Return how many open orders should have come before today, and their open units."""
    return connection.rows(LATE, today)[0]


def account_currency(connection: Connection) -> str | None:
    """Return the currency of all known prices; None = there are several, or none.

    Finale does not say which currency costs are in; where every price has the same one, it is that.
    """
    return connection.scalar(str, ACCOUNT_CURRENCY)


def views(connection: Connection, actor: str) -> list[Row]:
    """Return the views that somebody keeps, by name."""
    return connection.rows(
        "SELECT name, query FROM ops.saved_view WHERE kept_by = %s ORDER BY name", actor
    )


ARRIVALS = """
SELECT o.order_url, o.order_id, o.vendor_url, o.vendor, o.destination, o.ordered_on, o.due_on,
       %(today)s - o.due_on AS days_late, o.lines, o.open_units, o.total
FROM mart.purchase_order o
WHERE o.is_open AND (o.due_on < %(today)s OR NOT %(late)s)
ORDER BY o.due_on NULLS LAST, o.order_id LIMIT 500
"""


def open_orders(connection: Connection, today: date, *, only_late: bool) -> list[Row]:
    """Return purchase orders with something still to come, the longest overdue first."""
    return connection.rows(ARRIVALS, today=today, late=only_late)
