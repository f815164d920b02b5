"""Items, thresholds, syncs, crashes and mail faults in any order, against the real thing."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from finale_pipeline.domain.alerts.critical import level_of
from finale_pipeline.domain.alerts.incidents import CROSSINGS
from finale_pipeline.notify.sender import sender_of
from finale_pipeline.warehouse import outbox
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.conftest import new_database
from finale_pipeline_tests.mail_server import KEY, MailServer
from finale_pipeline_tests.notify.warehouse import Warehouse, mail_settings, url_of, wait_for_lock

SKUS = ("A", "B", "C")
STEPS = int(os.environ.get("FINALE_MACHINE_STEPS", "25"))
EXAMPLES = int(os.environ.get("FINALE_MACHINE_EXAMPLES", "6"))


class Alerts(RuleBasedStateMachine):
    """A model that knows only units, thresholds and the rule of levels."""

    server_url = ""
    template = ""

    @initialize()
    def begin(self) -> None:
        self.url = new_database(self.server_url, template=self.template)
        self.connection = connect(self.url, name="machine")
        self.service = MailServer()
        self.service.__enter__()
        chosen = mail_settings(
            self.url, home=Path(mkdtemp()), sendgrid_api_key=KEY,
            sendgrid_base_url=self.service.base_url,
        )  # fmt: skip
        self.warehouse = Warehouse(chosen, self.connection)
        self.warehouse.add(*SKUS)
        self.units = {sku: Decimal(100) for sku in SKUS}
        self.points = {sku: Decimal(20) for sku in SKUS}
        self.levels = dict.fromkeys(SKUS, "ok")
        self.crossed: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.cut = 0
        self.warehouse.evaluate()

    @rule(sku=st.sampled_from(SKUS), units=st.sampled_from([-2, 0, 1, 3, 18, 19, 20, 21, 22, 80]))
    def stock_moves(self, sku: str, units: int) -> None:
        self.units[sku] = Decimal(units)
        self.warehouse.stock(**{sku: units})

    @rule(sku=st.sampled_from(SKUS), point=st.sampled_from([0, 2, 20, 50]))
    def a_buyer_edits_a_threshold(self, sku: str, point: int) -> None:
        self.points[sku] = Decimal(point)
        self.warehouse.rule(sku, point)

    @rule(minutes=st.sampled_from([15, 15, 15, 60, 24 * 60]))
    def a_sync_evaluates(self, minutes: int) -> None:
        self.warehouse.evaluate(minutes=minutes)
        for sku in SKUS:
            level = level_of(available_units=self.units[sku], threshold_units=self.points[sku])
            if level != self.levels[sku]:
                self.crossed[sku].append((self.levels[sku], level))
                self.levels[sku] = level

    @rule(table=st.sampled_from(["ops.incident_event", "ops.outbox", "plan.critical_item",
                                 "ops.item_level", "ops.evaluation"]))  # fmt: skip
    def a_sync_dies_while_it_evaluates(self, table: str) -> None:
        """Its transaction ends at the first write to some table; nothing of it stays."""
        with self._broken(table):
            try:
                self.warehouse.evaluate()
            except Exception as error:  # noqa: BLE001 - whatever the run makes of it
                assert "injected" in f"{error} {error.__cause__}"  # noqa: PT017
            else:
                self._same_as_a_sync()

    def _same_as_a_sync(self) -> None:
        """Nothing was to be written there, so it went well."""
        for sku in SKUS:
            level = level_of(available_units=self.units[sku], threshold_units=self.points[sku])
            if level != self.levels[sku]:
                self.crossed[sku].append((self.levels[sku], level))
                self.levels[sku] = level

    @contextmanager
    def _broken(self, table: str) -> Iterator[None]:
        run: Any = self.connection.execute
        run(
            "CREATE OR REPLACE FUNCTION ops.break_it() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'injected'; END$$"
        )
        run(
            f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
            " EXECUTE FUNCTION ops.break_it()"
        )
        try:
            yield
        finally:
            run(f"DROP TRIGGER broken ON {table}")

    @rule(fault=st.sampled_from(["status=503*1", "status=500*2", "throttle=60*1", "cut*1",
                                 "reset*1"]))  # fmt: skip
    def the_service_falls_sick(self, fault: str) -> None:
        self.cut += fault.startswith(("cut", "reset"))
        self.service.add_fault(fault)

    @rule(minutes=st.sampled_from([0, 1, 20, 90]))
    def mails_are_delivered(self, minutes: int) -> None:
        self.warehouse.deliver(minutes=minutes)

    @rule()
    def a_sender_dies_with_a_mail_in_its_hands(self) -> None:
        with connect(self.url, name="dying") as dying:
            claimed = outbox.claim(dying, now=self.warehouse.now)
        if claimed is not None:
            wait_for_lock(self.warehouse, claimed.outbox_id)

    @rule()
    def a_sender_dies_after_its_mail_was_taken(self) -> None:
        with connect(self.url, name="dying") as dying:
            claimed = outbox.claim(dying, now=self.warehouse.now)
            if claimed is not None:
                sender_of(self.warehouse.settings).send(claimed, claimed.left)
        if claimed is not None:
            wait_for_lock(self.warehouse, claimed.outbox_id)

    @invariant()
    def each_crossing_has_exactly_one_event(self) -> None:
        rows = self.warehouse.rows(
            "SELECT subject, kind, from_level, to_level FROM ops.incident_event ORDER BY event_id"
        )
        found = defaultdict(list)
        for subject, kind, before, after in rows:
            assert (kind in CROSSINGS) == (before != after)
            if before != after:
                found[subject].append((before, after))
        assert found == {url_of(sku): c for sku, c in self.crossed.items() if c}

    @invariant()
    def each_event_that_deserves_a_mail_has_exactly_one(self) -> None:
        assert (
            self.warehouse.rows(
                "SELECT event_id FROM ops.incident_event e WHERE (message_id IS NULL)"
                " = (no_mail IS NULL) OR message_id IS NOT NULL AND 1 <>"
                " (SELECT count(*) FROM ops.outbox o WHERE o.message_id = e.message_id)"
            )
            == []
        )

    @invariant()
    def no_mail_without_a_crossing(self) -> None:
        assert (
            self.warehouse.rows(
                "SELECT kind FROM ops.outbox o WHERE kind NOT IN ('summary', 'catch_up')"
                " AND NOT EXISTS (SELECT FROM ops.incident_event e"
                " WHERE e.message_id = o.message_id)"
            )
            == []
        )

    @invariant()
    def nothing_is_repeated_but_after_an_unknown_outcome(self) -> None:
        times: dict[str, int] = defaultdict(int)
        for mail in self.service.accepted:
            times[mail.message_id] += 1
        unknown = dict(self.warehouse.rows("SELECT message_id, unknown_outcomes FROM ops.outbox"))
        assert all(n <= 1 + min(1, unknown[m]) for m, n in times.items())

    @invariant()
    def critical_items_are_what_the_rules_say(self) -> None:
        if self.warehouse.rows("SELECT count(*) FROM ops.touched_item") != [(0,)]:
            return  # stock moved and was not evaluated yet
        rows = self.warehouse.rows(
            "SELECT product_url, level FROM mart.low_stock ORDER BY product_url"
        )
        assert rows == [(url_of(s), v) for s, v in sorted(self.levels.items()) if v != "ok"]

    def teardown(self) -> None:
        if not hasattr(self, "service"):
            return
        try:
            self._everything_arrives_in_the_end()
        finally:
            self.service.__exit__(None, None, None)
            self.connection.close()

    def _everything_arrives_in_the_end(self) -> None:
        self.service.clear_faults()
        for _ in range(8):
            self.warehouse.deliver(minutes=20)
        states = {str(row[0]) for row in self.warehouse.rows("SELECT state FROM ops.outbox")}
        assert states <= {"sent", "merged", "dead"}
        arrived = {mail.message_id for mail in self.service.accepted}
        sent = self.warehouse.rows("SELECT message_id FROM ops.outbox WHERE state = 'sent'")
        assert {str(row[0]) for row in sent} <= arrived
        spoken = self.warehouse.rows(
            "SELECT count(*) FROM ops.outbox o WHERE state = 'merged' AND NOT EXISTS (SELECT FROM"
            " ops.outbox m WHERE m.message_id = o.merged_into AND m.state IN ('sent', 'dead'))"
        )
        assert spoken == [(0,)]


def test_whatever_happens_each_crossing_is_told_once(server: str, upgraded: str) -> None:
    """More steps by FINALE_MACHINE_STEPS and FINALE_MACHINE_EXAMPLES."""
    Alerts.server_url, Alerts.template = server, upgraded
    run_state_machine_as_test(
        Alerts,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
