"""`finale alerts simulate`: what would have been mailed over recorded history."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from finale_pipeline.commands.common import open_warehouse
from finale_pipeline.domain.alerts.circuit_breaker import hold_back
from finale_pipeline.domain.alerts.incidents import AlertDecision, CurrentItem, StoredItem, decide
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings
from finale_pipeline.sync.critical import default_of, rules_of
from finale_pipeline.warehouse import critical
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import stock as stock_reads

LEVERS = ("low_stock_default_units", "breaker_share")


def simulate(settings: Settings, days: int, changes: list[str]) -> dict[str, Any]:
    """Play the history of stock through the rules; write nothing.

    History holds one level per product and day, so crossings within a day are not seen. Thresholds
    are those of today.

    Args:
        days: So many, back from the last day on which stock was read.
        changes: Settings of LEVERS to try, as `name=value`.

    Raises:
        ConfigError: A setting cannot be tried, or its value is wrong.
    """
    tried = _with(settings, changes)
    with open_warehouse(settings) as connection:
        last = stock_reads.last_day(connection)
        if last is None:
            return {"days": [], "mails": {}, "items": {}, "to": list(settings.alert_emails)}
        play = _Play(connection, tried, last - timedelta(days=days), last)
        mailed = play.run(connection)
    mails: Counter[str] = Counter()
    items: Counter[str] = Counter()
    for day in mailed:
        mails.update(day["mails"].keys())
        items.update(day["mails"])
    return {
        "days": mailed,
        "mails": dict(mails),
        "items": dict(items),
        "to": list(settings.alert_emails),
        "watched": len(play.thresholds),
    }


def _with(settings: Settings, changes: list[str]) -> Settings:
    values = dict(change.partition("=")[::2] for change in changes)
    unknown = sorted(set(values) - set(LEVERS))
    if unknown:
        raise ConfigError(
            f"{unknown[0]} cannot be tried.", step=f"Try one of: {', '.join(LEVERS)}."
        )
    try:
        return Settings.model_validate(settings.model_dump() | values)
    except ValidationError as error:
        message = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise ConfigError(f"{' '.join(changes)}: {message}.", step="Correct it.") from error


class _Play:
    """The state of all items while history passes."""

    def __init__(self, connection: Connection, settings: Settings, begin: date, last: date) -> None:
        self.begin, self.last = begin, last
        self.rules = rules_of(settings)
        self.thresholds = critical.thresholds(connection, default_of(settings))
        self.stored: dict[str, StoredItem] = {}
        self.units: dict[str, Decimal] = {}
        for url, units in connection.execute(stock_reads.OPENING, (begin,)).fetchall():
            self._decide(str(url), units, begin, is_first_run=True)

    def run(self, connection: Connection) -> list[dict[str, Any]]:
        """Return each day on which something would have been mailed."""
        days: dict[date, dict[str, Decimal]] = {}
        for day, url, units in connection.execute(stock_reads.CHANGES, (self.begin,)).fetchall():
            days.setdefault(day, {})[str(url)] = units
        mailed = []
        for ahead in range((self.last - self.begin).days + 1):
            day = self.begin + timedelta(days=ahead)
            # What is better waits to be told of; what did not change has nothing else to tell.
            waiting = {u: self.units[u] for u, s in self.stored.items() if s.better_since_at}
            changed = waiting | days.get(day, {})
            decided = [self._decide(url, units, day) for url, units in changed.items()]
            decisions = [d for d in decided if d is not None]
            held = hold_back(decisions, watched=len(self.thresholds), rules=self.rules)
            mails = Counter(d.event.mail for d in held if d.event and d.event.mail)
            if mails:
                mailed.append({"day": day, "mails": dict(mails)})
        return mailed

    def _decide(
        self, url: str, units: Decimal, day: date, *, is_first_run: bool = False
    ) -> AlertDecision | None:
        if url not in self.thresholds:
            return None
        self.units[url] = units
        current = CurrentItem(url, units, self.thresholds[url])
        now = datetime.combine(day, time(12), UTC)
        before = self.stored.get(url)
        decision = decide(before, current, now=now, rules=self.rules, is_first_run=is_first_run)
        if decision is not None:
            self.stored[url] = decision.stored
        return decision
