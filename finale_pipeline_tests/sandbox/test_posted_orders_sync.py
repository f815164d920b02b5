"""What was posted comes back with the next sync, whatever number its url has."""

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.sandbox.writing import buyer_of
from finale_pipeline_tests.sync.helpers import assert_mirrors, sync


def test_a_posted_order_is_in_the_warehouse_after_the_next_sync(
    account: Account, sandbox: SandboxServer, settings: Settings, connection: Connection
) -> None:
    sync(settings)
    account.clock.advance(seconds=60)
    with buyer_of(sandbox) as buyer:
        line = {"productUrl": "/demo/api/product/none", "quantity": 1, "unitPrice": 1}
        draft = buyer.create(orderId="RS-1")
        committed = buyer.create(orderId="RS-2", statusId="ORDER_LOCKED")
        buyer.create(orderId="RS-3", orderItemList=[line], orderRoleList=[])
    sync(settings, "inventory")
    sync(settings, "sales")
    assert_mirrors(connection, account)
    orders = connection.execute(
        "SELECT order_id, order_url, status FROM mart.purchase_order"
        " WHERE order_id LIKE 'RS-%' ORDER BY 1"
    ).fetchall()
    assert [(row[0], row[2]) for row in orders] == [
        ("RS-1", "ORDER_CREATED"), ("RS-2", "ORDER_LOCKED"), ("RS-3", "ORDER_CREATED"),
    ]  # fmt: skip
    assert [row[1] for row in orders[:2]] == [draft["orderUrl"], committed["orderUrl"]]
