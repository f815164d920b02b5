"""Against dlt with its defaults: dict rows, child tables, merge by primary key."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.catalogue import SYNC_PRODUCTS
from benchmarks.ground import (
    ROOT,
    SPAN_DAYS,
    Database,
    Measured,
    Sandbox,
    clean,
    environment,
    expect,
    measure,
)
from benchmarks.report import Row, compared, single
from finale_pipeline.sandbox.handler import KEY, SECRET

PYTHON = ROOT / ".venv-bench" / "bin" / "python"


def against_dlt(server: Database, account: Sandbox, products: int, turns: int) -> Iterator[Row]:
    """Yield a line per state; says so where dlt is not installed."""
    if not PYTHON.exists():
        yield single(f"{products:,} products against dlt", "left out: `make .venv-bench/.ready`")
        return
    ours: dict[str, list[Measured]] = {"first load": [], "nothing changed": []}
    theirs: dict[str, list[Measured]] = {"first load": [], "nothing changed": []}
    for _ in range(turns):
        mine, other = server.new(), server.new()
        with tempfile.TemporaryDirectory() as folder:
            for state, turn in ours.items():
                server.settle(mine, other)
                env = environment(account, server.url(mine))
                turn.append(measure(SYNC_PRODUCTS, env, server))
                theirs[state].append(_dlt(server, account, other, Path(folder)))
                got = server.rows(other, "peer.product")
                expect(got == server.rows(mine, "core.product"), f"{state}: dlt has {got} rows")
        server.drop(mine, other)
    for state, aim in (
        ("first load", "≥ 8 times as fast"),
        ("nothing changed", "≥ 14 times as fast"),
    ):
        yield compared(
            f"{products:,} products, {state}", ours[state], "dlt", theirs[state], aim=aim,
            inverse=True,
        )  # fmt: skip
    peak = max(m.peak_mb for runs in theirs.values() for m in runs)
    yield single(f"{products:,} products, dlt's peak memory", f"{peak:.0f} MB")


def _dlt(server: Database, account: Sandbox, name: str, folder: Path) -> Measured:
    env = clean() | {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder),
        "PEER_ACCOUNT": f"{account.base_url}/demo/api/product",
        "PEER_LOGIN": f"{KEY}:{SECRET}",
        "PEER_DATABASE": server.url(name),
        "PEER_DAYS": str(SPAN_DAYS + 1),
    }
    return measure([str(PYTHON), str(ROOT / "benchmarks" / "dlt_peer.py")], env, server)
