"""The active sync: from the newest stamp in the data, products in use only, few requests."""

from datetime import timedelta
from typing import Any

import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.records import encoded
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, sync


def change(account: Account, url: str, **fields: Any) -> None:
    """Change a product, as somebody in Finale would."""
    table = account.tables["product"]
    place = next(p for p in table.places() if table.key_of(p) == url)
    stamp = account.clock.now()
    fields["lastUpdatedDate"] = stamp.strftime("%Y-%m-%dT%H:%M:%S")
    table.put(int(stamp.timestamp()), {**table.record(place), **encoded(fields)}, place=place)


def statuses(connection: Connection, *urls: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT product_url, status FROM core.product WHERE product_url = ANY (%s)", (list(urls),)
    ).fetchall()
    return {str(url): str(status) for url, status in rows}


def urls_of(account: Account, status: str) -> list[str]:
    return [r["productUrl"] for r in account.records("product") if r["statusId"] == status]


@pytest.mark.synced
def test_a_quiet_night_costs_a_handful_of_requests(
    settings: Settings, account: Account, sandbox: SandboxServer
) -> None:
    account.clock.advance(seconds=86_400)
    before = len(sandbox.requests)
    run = sync(settings, "active")
    assert run.client.usage.api_calls == len(sandbox.requests) - before == 9
    catalogue = ("core.facility", "core.vendor", "core.product")
    written = [(c.inserted, c.updated, c.removed) for c in map(run.counts.get, catalogue) if c]
    assert written == [(0, 0, 0)] * 3


@pytest.mark.synced
def test_it_writes_what_changed_and_leaves_out_what_nobody_uses(
    settings: Settings, account: Account, connection: Connection
) -> None:
    account.clock.advance(seconds=3600)
    edited, ended = urls_of(account, "PRODUCT_ACTIVE")[:2]
    idle = urls_of(account, "PRODUCT_INACTIVE")[0]
    (fresh, asleep) = account.create_products(2)
    change(account, edited, cost=1.5)
    change(account, ended, statusId="PRODUCT_INACTIVE")
    change(account, idle, internalName="renamed while inactive")
    change(account, asleep, statusId="PRODUCT_INACTIVE")

    run = sync(settings, "active")

    assert statuses(connection, edited, ended, fresh, asleep) == {
        edited: "PRODUCT_ACTIVE",
        ended: "PRODUCT_INACTIVE",  # known as active until now: it must not stay so
        fresh: "PRODUCT_ACTIVE",
    }
    counts = run.counts["core.product"]
    assert (counts.inserted, counts.updated) == (1, 2)
    assert_ledger_is_closed(connection)
    row = connection.execute("SELECT name FROM core.product WHERE product_url = %s", (idle,))
    assert row.fetchone() != ("renamed while inactive",)


def test_it_goes_back_at_most_the_days_of_the_setting(
    url: str, account: Account, sandbox: SandboxServer
) -> None:
    settings = settings_for(url, sandbox, active_days=40)
    run = sync(settings, "active")  # nothing is stored yet
    oldest = account.clock.now() - timedelta(days=40)
    wanted = [
        r
        for r in account.records("product")
        if r["lastUpdatedDate"] >= f"{oldest:%Y-%m-%dT%H:%M:%S}"
        and r["statusId"] == "PRODUCT_ACTIVE"
    ]
    assert run.counts["core.product"].inserted == len(wanted) > 0


@pytest.mark.synced
def test_a_stamp_in_the_future_does_not_hide_later_changes(
    settings: Settings, account: Account, connection: Connection
) -> None:
    connection.execute(
        "UPDATE core.product SET updated_at = '2031-01-01' WHERE product_url ="
        " (SELECT min(product_url) FROM core.product)"
    )
    account.clock.advance(seconds=60)
    edited = urls_of(account, "PRODUCT_ACTIVE")[5]
    change(account, edited, statusId="PRODUCT_INACTIVE")
    sync(settings, "active")
    assert statuses(connection, edited) == {edited: "PRODUCT_INACTIVE"}
