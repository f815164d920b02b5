"""Syncs side by side do not wait for each other's rows of products."""

import subprocess

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.processes import Ended, finale, start
from finale_pipeline_tests.sync.helpers import assert_mirrors

BLOCKED = """
SELECT FROM pg_stat_activity WHERE application_name = 'finale full' AND wait_event_type = 'Lock'
"""


def until_it_waits(connection: Connection, process: "subprocess.Popen[str]") -> None:
    """Wait until the full sync stands in the middle of its transaction."""
    while not connection.execute(BLOCKED).fetchall():
        assert process.poll() is None
        connection.execute("SELECT pg_sleep(0.05)")


def test_stock_is_read_and_judged_while_the_very_first_full_sync_marks_kits(
    settings: Settings, account: Account, sandbox: SandboxServer, url: str, connection: Connection
) -> None:
    assert sandbox.base_url
    account.show_shapes()  # kits among them: the full sync writes to products that it has read
    with connect(url, name="holder") as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE core.component_demand IN SHARE MODE")
        process = start(settings, "sync", "full")
        until_it_waits(connection, process)
        beside = finale(settings, "sync", "critical")
        assert (beside.code, beside.err) == (0, "")
        assert process.poll() is None  # the whole time it held its rows
        holder.execute("ROLLBACK")
    assert Ended(process).code == 0
    kits = "SELECT count(*) FROM core.product WHERE NOT keeps_stock"
    assert connection.execute(kits).fetchall() != [(0,)]
    assert_mirrors(connection, account)
