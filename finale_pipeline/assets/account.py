"""The one step that reads the account: what is chosen of it, in the order of the strategy.

A job of a strategy carries that strategy out, as the command line does. Any other choice of assets
and days reads just those again. Each asset is told of when its tables are committed, with the
results of its checks; a blocking check that fails stops what comes after.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from finale_pipeline.assets import past, purchasing
from finale_pipeline.assets.alert_checks import ALERT_CHECKS, CROSSINGS_TOLD
from finale_pipeline.assets.checks import READ_CHECKS, CheckContext
from finale_pipeline.assets.entries import BY_NAME, ENTRIES, AssetEntry
from finale_pipeline.assets.keys import key_of, name_of
from finale_pipeline.assets.plan_checks import PLAN_CHECKS
from finale_pipeline.assets.reports import of_days, of_run
from finale_pipeline.assets.setting_check import SETTING_CHECK
from finale_pipeline.clock import business_day
from finale_pipeline.domain.syncs.strategy import PLANNED, PLANS, READS
from finale_pipeline.domain.syncs.tags import ASKED_AT, REASON, SKIPPED, STRATEGY, TRIGGER
from finale_pipeline.errors import (
    ConfigError,
    DriftError,
    InterruptedSync,
    PastDay,
    PipelineError,
    SkippedError,
)
from finale_pipeline.resources import Finale

if TYPE_CHECKING:
    from finale_pipeline.sync.run import SyncRun
    from finale_pipeline.warehouse.leases import Progress

PROGRESS_STEP = 0.1
"""Share of the work after which the run's log says again how far it is."""

CHECKS = (SETTING_CHECK, *READ_CHECKS, *ALERT_CHECKS, *PLAN_CHECKS)
Event = dg.MaterializeResult[Any] | dg.AssetCheckResult | dg.AssetMaterialization


@dg.multi_asset(
    name="account",
    specs=[entry.spec() for entry in ENTRIES],
    check_specs=[check.spec() for check in CHECKS],
    can_subset=True,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def account(context: dg.AssetExecutionContext, finale: Finale) -> Iterator[Event]:
    """Read what is chosen of the account, and plan by it."""
    step = _Step(context, finale)
    try:
        yield from step.events()
    except SkippedError as error:
        step.skip(error)
    except PipelineError as error:
        yield from step.broken_checks()
        raise step.failure(error) from error


class _Step:
    """One execution of the step."""

    def __init__(self, context: dg.AssetExecutionContext, finale: Finale) -> None:
        self._context = context
        self._run = context.run
        self._instance = context.instance
        self._finale = finale
        self._chosen = {name_of(key) for key in context.selected_asset_keys}
        chosen_checks = context.selected_asset_check_keys
        self._checks = [c for c in CHECKS if c.key in chosen_checks]
        has_days = context.has_partition_key or context.has_partition_key_range
        self._days = [date.fromisoformat(k) for k in context.partition_keys] if has_days else []
        self._done: set[str] = set()
        self._blocked: DriftError | None = None
        self._progress = 0.0
        self._will_plan = False
        # Who was told of crossings is looked at last: mails leave when all locks are given back.
        self._crossings: dg.AssetCheckResult | None = None

    def events(self) -> Iterator[Event]:
        """Do what was chosen; yield what Dagster should know of."""
        strategy, reason = self._strategy()
        if not self._chosen:
            yield from self._checks_alone()
        elif strategy is not None:
            yield from self._sync(strategy, reason)
        else:
            yield from self._read_days()
            yield from self._plan_days()

    def _strategy(self) -> tuple[str | None, str | None]:
        """Return the strategy that the run's job stands for, and why; None = chosen assets."""
        job = self._context.job_name.removesuffix("_sync")
        if job == "smart" and STRATEGY not in self._run.tags:
            return self._smart()
        if job not in {*READS, "smart"}:
            return None, None
        return self._run.tags.get(STRATEGY, job), self._run.tags.get(REASON)

    def _smart(self) -> tuple[str, str]:
        """Choose by the age of the last good sync, where a person started the job."""
        from finale_pipeline.sync.ticks import choose  # nothing at import

        with self._finale.warehouse() as connection:
            choice = choose(connection, self._finale.settings(), now=self._finale.now())
        self._tag({STRATEGY: choice.strategy, REASON: choice.reason})
        self._context.log.info("smart: %s, since %s", choice.strategy, choice.reason)
        return choice.strategy, choice.reason

    def _sync(self, strategy: str, reason: str | None) -> Iterator[Event]:
        """Carry a strategy out, under the rules of the command line."""
        from finale_pipeline.sync.strategies import TABLE_SETS

        if not self._days:
            raise ConfigError(
                "No day was chosen, and Dagster cannot tell of the assets without one.",
                step="Choose today's partition when you start the job.",
            )
        # Past days are told outside of the locks, and before the present one: what was told of
        # last is what Dagster shows as an asset's latest. What comes after waits with it.
        late: list[tuple[AssetEntry, Mapping[str, int], list[Event]]] = []
        self._will_plan = strategy in PLANS and bool(self._chosen & set(PLANNED))
        failed: PipelineError | None = None
        try:
            with self._finale.sync(
                self._run.run_id,
                strategy,
                TABLE_SETS[strategy],
                trigger=self._trigger(),
                asked_at=self._asked_at(),
                reason=reason,
                on_progress=self._log_progress,
            ) as run:
                for entry, unreported, events in self._done_by(run):
                    if unreported or late:
                        late.append((entry, unreported, list(events)))
                    else:
                        yield from _held_back(run, events)
                    self._stop_if_blocked()
                self._check_crossings(run)
        except PipelineError as error:
            failed = error
        for entry, unreported, waiting in late:
            past.report(self._instance, entry, unreported)
            yield from waiting
        if self._crossings is not None:
            yield self._crossings
        if failed is not None:
            raise failed

    def _done_by(
        self, run: "SyncRun"
    ) -> Iterator[tuple[AssetEntry, Mapping[str, int], Iterator[Event]]]:
        """Carry the run's strategy out; yield each asset, its past days, and what to tell of it."""
        from finale_pipeline.sync.strategies import STRATEGIES

        for name in STRATEGIES[run.strategy](run):
            entry, day = BY_NAME[name], self._present(run)
            unreported = past.unreported_days(self._instance, run, entry, day)
            yield entry, unreported, self._read(run, entry, day)
        if self._will_plan:
            yield BY_NAME[PLANNED[0]], {}, self._plan_today(run)

    def _read(self, run: "SyncRun", entry: AssetEntry, day: date) -> Iterator[Event]:
        """Tell of an asset that a strategy has just read, and look at its checks."""
        metadata = of_days(run.connection, entry, [day], run.settings.zone)[day]
        yield from self._present_events(entry, day, of_run(run, entry) | metadata)
        yield from self._look(entry, CheckContext(run.connection, self._finale, run))

    def _present(self, run: "SyncRun") -> date:
        """Return the business day by the source's clock.

        Raises:
            PastDay: A person wants the present read as if it were another day.
        """
        day = business_day(run.client.source_now(), run.settings.zone)
        asked_at = self._asked_at()
        is_late = asked_at and business_day(asked_at, run.settings.zone) in self._days
        if self._days and day not in self._days and not is_late:
            raise PastDay(
                f"A sync reads the account as it is now; {self._days[0]} cannot be read that way.",
                step=f"Materialize the partition {day}; or choose products, vendors, shipments or"
                " purchase_orders by themselves, whose past days can be read again.",
            )
        return day

    def _present_events(
        self, entry: AssetEntry, day: date, metadata: Mapping[str, Any]
    ) -> Iterator[Event]:
        """Tell of an asset as it is on a day; that is not the run's own when midnight passed."""
        self._done.add(entry.name)
        if entry.name not in self._chosen:
            return
        if entry.is_partitioned and self._days != [day]:
            yield dg.AssetMaterialization(
                key_of(entry.name), partition=day.isoformat(), metadata=metadata
            )
        else:
            yield dg.MaterializeResult(asset_key=key_of(entry.name), metadata=metadata)

    def _read_days(self) -> Iterator[Event]:
        """Read the chosen assets again, for the chosen days."""
        from finale_pipeline.sync.critical import tell_crossings
        from finale_pipeline.sync.strategies import TABLE_SET_OF, read_days

        entries = [e for e in ENTRIES if e.name in self._chosen - set(PLANNED)]
        if not entries:
            return
        names = [entry.name for entry in entries]
        strategy = names[0] if len(names) == 1 else "backfill"
        with self._finale.sync(
            self._run.run_id,
            "inventory" if "inventory_levels" in names else strategy,
            sorted({TABLE_SET_OF[name] for name in names}),
            trigger=self._trigger(),
            on_progress=self._log_progress,
        ) as run:
            for entry in entries:
                read_days(run, entry.name, self._days)
                by_day = of_days(run.connection, entry, self._days, run.settings.zone)
                yield from _held_back(run, self._days_events(entry, by_day, of_run(run, entry)))
                look = CheckContext(run.connection, self._finale, run)
                yield from _held_back(run, self._look(entry, look))
                self._stop_if_blocked()
            self._check_crossings(run)
            if self._crossings is not None:
                yield from _held_back(run, [self._crossings])
            elif "inventory_levels" in names:
                tell_crossings(run)

    def _days_events(
        self, entry: AssetEntry, by_day: Mapping[date, Mapping[str, Any]], of_all: Mapping[str, Any]
    ) -> Iterator[Event]:
        """Tell of an asset on the chosen days, each with its own numbers."""
        self._done.add(entry.name)
        if entry.is_partitioned and len(self._days) > 1:
            for day, numbers in by_day.items():
                self._context.add_asset_metadata(
                    numbers, asset_key=key_of(entry.name), partition_key=day.isoformat()
                )
            yield dg.MaterializeResult(asset_key=key_of(entry.name), metadata=of_all)
        else:
            own = by_day[self._days[0]] if entry.is_partitioned else {}
            yield dg.MaterializeResult(asset_key=key_of(entry.name), metadata={**of_all, **own})

    def _plan_today(self, run: "SyncRun") -> Iterator[Event]:
        """Plan after a sync, and tell what crossed by the new decisions, as the commands do."""
        from finale_pipeline.sync.planning import plan_today  # nothing at import

        report = plan_today(run)
        look = CheckContext(run.connection, self._finale, run)
        for entry in [BY_NAME[name] for name in PLANNED if name in self._chosen]:
            metadata = purchasing.metadata(run.connection, report, entry)
            metadata |= purchasing.pictures(run.connection, report, entry)
            yield from self._present_events(entry, report.as_of, metadata)
            yield from self._look(entry, look)

    def _check_crossings(self, run: "SyncRun") -> None:
        """Tell what crossed, where that check was chosen; the run's last step."""
        if CROSSINGS_TOLD in self._checks and CROSSINGS_TOLD.asset in self._done:
            look = CheckContext(run.connection, self._finale, run)
            self._crossings = CROSSINGS_TOLD.result(CROSSINGS_TOLD.look(look))

    def _plan_days(self) -> Iterator[Event]:
        """Plan the chosen days, the oldest first; only what was chosen is told of."""
        from finale_pipeline.planning.plan import plan_days  # nothing at import

        entries = [BY_NAME[name] for name in PLANNED if name in self._chosen]
        if not entries:
            return
        with self._finale.warehouse() as connection:
            by_asset: dict[str, dict[date, dict[str, Any]]] = {entry.name: {} for entry in entries}
            settings, now = self._finale.settings(), self._finale.now()
            for report in plan_days(connection, self._days, settings, now=now):
                self._context.log.info(
                    "%s: %s in %.1f s", report.as_of, report.method.name, report.seconds
                )
                for entry in entries:
                    by_asset[entry.name][report.as_of] = purchasing.metadata(
                        connection, report, entry
                    )
            for entry in entries:
                pictures = purchasing.pictures(connection, report, entry)  # of the last day
                yield from self._days_events(entry, by_asset[entry.name], pictures)
                yield from self._look(entry, CheckContext(connection, self._finale))

    def _look(self, entry: AssetEntry, look: CheckContext) -> Iterator[dg.AssetCheckResult]:
        """Yield how the chosen checks of an asset stand, and remember a blocking one that fails."""
        for check in self._checks:
            is_last = check is CROSSINGS_TOLD and look.run is not None  # see _check_crossings
            if check.asset != entry.name or is_last:
                continue
            result = check.look(look)
            yield check.result(result)
            if check.is_blocking and not result.passed:
                self._blocked = DriftError(
                    f"The check {check.name} of {check.asset} failed: {result.why}.",
                    data="What was read is stored; what comes after it was not done.",
                    step="Look at the check, then run again.",
                )

    def _stop_if_blocked(self) -> None:
        if self._blocked is not None:
            raise self._blocked

    def _checks_alone(self) -> Iterator[dg.AssetCheckResult]:
        """Look at checks that a person chose without their assets."""
        with self._finale.warehouse() as connection:
            for check in self._checks:
                yield check.result(check.look(CheckContext(connection, self._finale)))

    def broken_checks(self) -> Iterator[dg.AssetCheckResult]:
        """After a failure: yield the blocking checks of what was not done that do not hold."""
        blocking = [
            c for c in self._checks if c.is_blocking and c.asset in self._chosen - self._done
        ]
        results = []
        # The database itself may be what failed.
        with suppress(PipelineError), self._finale.warehouse() as connection:
            results = [
                check.result(check.look(CheckContext(connection, self._finale)))
                for check in blocking
            ]
        yield from (result for result in results if not result.passed)

    def skip(self, error: SkippedError) -> None:
        """End well and say why nothing was done.

        Raises:
            dg.Failure: A person asked for these very days; Dagster would call them done.
        """
        is_backfill = "dagster/backfill" in self._run.tags
        if is_backfill or self._strategy()[0] is None:
            raise self.failure(error) from error
        self._context.log.warning("Skipped: %s", error.what)
        self._tag({SKIPPED: error.what[:250]})

    def failure(self, error: PipelineError) -> BaseException:
        """Return our error as Dagster's: cause, meaning for the data, next step.

        A run that a person cancelled ends as cancelled, not as failed.
        """
        run = self._instance.get_run_by_id(self._run.run_id)
        is_cancelled = run is not None and run.status is dg.DagsterRunStatus.CANCELING
        if isinstance(error, InterruptedSync) and is_cancelled:
            return dg.DagsterExecutionInterruptedError(str(error))
        return dg.Failure(
            str(error),
            metadata={
                "kind": error.kind,
                "what_it_means_for_the_data": error.data,
                "next_step": error.step,
            },
            allow_retries=False,
        )

    def _log_progress(self, far: "Progress") -> None:
        """Tell how far the sync is, every tenth of the way."""
        if far.share is None or far.share < self._progress + PROGRESS_STEP:
            return
        self._progress = far.share
        batches = f", batch {far.batch} of {far.batches}" if far.batch else ""
        eta = f", done about {far.eta_at:%H:%M:%S} UTC" if far.eta_at else ""
        self._context.log.info(
            "%.0f %%%s, %s rows: %s%s", far.share * 100, batches, f"{far.rows:,}", far.step, eta
        )

    def _trigger(self) -> str:
        if TRIGGER in self._run.tags:
            return self._run.tags[TRIGGER]
        kinds = ("schedule", "sensor")
        return next((kind for kind in kinds if f"dagster/{kind}_name" in self._run.tags), "ui")

    def _asked_at(self) -> datetime | None:
        """Return when the run was asked for: by a schedule at its due time, else when made."""
        if ASKED_AT in self._run.tags:
            return datetime.fromisoformat(self._run.tags[ASKED_AT])
        record = self._instance.get_run_record_by_id(self._run.run_id)
        return record.create_timestamp.astimezone(UTC) if record else None

    def _tag(self, tags: dict[str, str]) -> None:
        self._instance.add_run_tags(self._run.run_id, tags)


def _held_back(run: "SyncRun", events: Iterator[Event] | Sequence[Event]) -> Iterator[Event]:
    """Hand events to Dagster; a signal that comes while it stores one waits until it has."""
    for event in events:
        with run.stop.held_back():
            yield event
