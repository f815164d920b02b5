from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.store import Merged, TableWriter, hashed, only_unknown, read_hashes

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "product_url": pl.String,
    "sku": pl.String,
    "name": pl.String,
    "status": pl.String,
    "cost": pl.Float64,
    "updated_at": pl.Datetime("us", "UTC"),
    "payload": pl.String,
}


def frame(*rows: tuple[str, str | None], updated_at: datetime = NOW) -> pl.DataFrame:
    return hashed(
        pl.DataFrame(
            [(url, url, name, "PRODUCT_ACTIVE", 1.15, updated_at, "{}") for url, name in rows],
            schema=SCHEMA,
            orient="row",
        )
    )


def write(connection: Connection, rows: pl.DataFrame, now: datetime = NOW) -> Merged:
    writer = TableWriter(connection, "core.product")
    with connection.transaction():
        writer.copy(rows)
        return writer.merge(now=now)


def names(connection: Connection) -> dict[object, object]:
    return dict(connection.execute("SELECT product_url, name FROM core.product").fetchall())


def test_the_same_rows_twice_are_written_once(connection: Connection) -> None:
    assert write(connection, frame(("/a", "A"), ("/b", None))) == Merged(inserted=2, updated=0)
    assert write(connection, frame(("/a", "A"), ("/b", None)), LATER) == Merged(0, 0)
    changed = connection.execute("SELECT DISTINCT changed_at FROM core.product").fetchall()
    assert changed == [(NOW,)]


def test_only_what_differs_is_updated(connection: Connection) -> None:
    write(connection, frame(("/a", "A"), ("/b", "B")))

    assert write(connection, frame(("/a", "A"), ("/b", "b"))) == Merged(inserted=0, updated=1)
    assert names(connection) == {"/a": "A", "/b": "b"}


def test_an_older_row_never_wins(connection: Connection) -> None:
    write(connection, frame(("/a", "new"), updated_at=LATER), LATER)

    assert write(connection, frame(("/a", "old"), updated_at=NOW), LATER) == Merged(0, 0)
    assert names(connection) == {"/a": "new"}


def test_a_stamp_in_the_future_keeps_no_later_edit_out(connection: Connection) -> None:
    write(connection, frame(("/a", "stamped ahead"), updated_at=NOW + timedelta(days=300)), NOW)

    edited = frame(("/a", "edited"), updated_at=LATER)
    assert write(connection, edited, LATER + timedelta(minutes=15)) == Merged(inserted=0, updated=1)
    assert names(connection) == {"/a": "edited"}


def test_a_returning_row_is_restored(connection: Connection) -> None:
    write(connection, frame(("/a", "A")))
    connection.execute("UPDATE core.product SET removed_at = now()")

    assert write(connection, frame(("/a", "A"))) == Merged(inserted=0, updated=1)
    assert connection.execute("SELECT removed_at FROM core.product").fetchone() == (None,)


def write_and_fail(connection: Connection) -> None:
    with connection.transaction():
        write(connection, frame(("/a", "A")))
        raise RuntimeError


def test_a_failed_transaction_leaves_nothing(connection: Connection) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(connection)
    assert names(connection) == {}


def test_rows_whose_hash_is_stored_are_not_sent(connection: Connection) -> None:
    rows = frame(("/a", "A"), ("/b", "B"))
    write(connection, rows[:1])

    stored = read_hashes(connection, "SELECT row_hash FROM core.product", ())

    assert only_unknown(rows, stored)["product_url"].to_list() == ["/b"]


@pytest.mark.parametrize("stored", [[], [-(2**63), -1, 0, 1, 2**63 - 1]])
def test_hashes_are_read_as_they_are_stored(connection: Connection, stored: list[int]) -> None:
    hashes = read_hashes(connection, "SELECT unnest(%s::int8[])", (stored,))

    assert hashes.to_list() == stored
    assert hashes.dtype == pl.Int64


def test_hashes_are_those_that_databases_hold() -> None:
    """A release of polars that hashes otherwise would silently rewrite every row once."""
    assert frame(("/a", "A"))["row_hash"].to_list() == [KNOWN_HASH]


KNOWN_HASH = 2_354_325_334_787_643_692

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.none() | texts)
def test_any_text_comes_back_as_it_went_in(connection: Connection, name: str | None) -> None:
    """Commas, quotes, line breaks, a lone \\. and the empty string are not null and not lost."""
    write(connection, frame(("/a", name)))

    assert names(connection) == {"/a": name}
    connection.execute("DELETE FROM core.product")


batches = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), st.sampled_from("xyz"), min_size=1),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=batches)
def test_any_batches_leave_the_newest_rows_and_the_same_ones_again_change_nothing(
    connection: Connection, batches: list[tuple[dict[str, str], int]]
) -> None:
    """Twice is once, an older row never wins, and the counts are what was written."""
    connection.execute("DELETE FROM core.product")
    stored: dict[str, tuple[int, str]] = {}
    for rows, hour in batches:
        winning = {u: (hour, n) for u, n in rows.items() if stored.get(u, (-1, ""))[0] <= hour}
        wanted = Merged(
            inserted=len(rows.keys() - stored.keys()),
            updated=sum(u in stored and stored[u] != row for u, row in winning.items()),
        )
        sent = frame(*rows.items(), updated_at=NOW + timedelta(hours=hour))
        assert write(connection, sent, NOW + timedelta(hours=3)) == wanted
        assert write(connection, sent, NOW + timedelta(hours=3)) == Merged(0, 0)
        stored.update(winning)
        assert names(connection) == {url: name for url, (_, name) in stored.items()}
