"""What a buyer should know before trusting a number: each flag in words."""

from collections.abc import Iterable

WORDS = {
    "stock_unknown": "its stock was never read",
    "never_sold": "never sold",
    "velocity_unknown": "how fast it sells is unknown: it was never seen in stock",
    "velocity_last_known": "out of stock for half a year: how fast it sells is what was last known",
    "no_sale_for_half_a_year": "nothing sold for half a year",
    "new_product": "new: known for less than eight weeks",
    "launch": "just launched: what its first days sold is not taken for its pace",
    "one_large_order": "one order is far above all others: it counts for what is usual",
    "low_confidence": "few sales: the forecast is uncertain",
    "mostly_out_of_stock": "out of stock more than half of the time",
    "seasonal": "its season is in the forecast",
    "adjusted": "a buyer said what to expect",
    "no_peers": "no products that sell alike to learn from",
    "naive_in_use": "forecast by the plain mean of 30 days",
    "beyond_windows": "its lead time is longer than what forecasts are tested for",
    "discontinued": "not active in Finale: not ordered again",
    "do_not_reorder": "not to be reordered",
    "backlog": "more is promised than there is",
    "overdue_po": "an order is overdue",
    "overdue_not_counted": "an order is overdue by more than its lead time: not counted on",
    "default_lead_time": "its lead time is not known: the default is used",
    "lead_time_differs": "takes much longer than stated",
    "main_supplier_disabled": "its main supplier is disabled: ordered from another one",
    "stockout_before_order_can_arrive": "runs out before an order can arrive",
    "point_without_demand": "nothing sells: ordered by its reorder point alone",
    "terms_prevent_order": "maximum, packs and least quantity allow no order: a person must choose",
    "covers_over_a_year": "with this order it lasts for over a year",
}
"""Every flag, in the order in which they are shown."""


def in_words(flags: Iterable[str]) -> list[str]:
    """Return flags as a buyer reads them; an unknown one as it is.

    >>> in_words(["overdue_po", "new_product"])
    ['new: known for less than eight weeks', 'an order is overdue']
    """
    raised = set(flags)
    texts = [words for flag, words in WORDS.items() if flag in raised]
    return texts + sorted(raised - WORDS.keys())
