from pathlib import Path

from finale_pipeline.warehouse import dictionary, table_columns
from finale_pipeline.warehouse.connect import Connection

FILE = Path(__file__).parents[2] / dictionary.FILE


def test_the_data_dictionary_is_that_of_the_newest_schema(connection: Connection) -> None:
    assert FILE.read_text(encoding="utf-8") == dictionary.render(connection), "make dictionary"


def test_dagster_shows_the_columns_of_the_newest_schema(connection: Connection) -> None:
    written = table_columns.FILE.read_text(encoding="utf-8")
    assert written == table_columns.render(connection), "make dictionary"


def test_every_view_and_column_that_people_ask_says_what_it_means(connection: Connection) -> None:
    rows = connection.execute(table_columns.COLUMNS).fetchall()
    assert [row[:4] for row in rows if not (row[2] and row[5])] == []


def test_every_function_that_people_ask_says_what_it_means(connection: Connection) -> None:
    rows = connection.execute(dictionary.FUNCTIONS).fetchall()
    assert [str(name) for name, *_ in rows] == ["mart.stock_as_of(day date)"]
    assert all(about for _, about, _ in rows)


def test_the_database_itself_says_what_the_columns_of_views_mean(connection: Connection) -> None:
    """Where people look at a view with their own tool, they see it too."""
    silent = connection.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' AND a.attnum > 0"
        " AND col_description(c.oid, a.attnum) IS NULL"
    ).fetchall()
    assert silent == []
