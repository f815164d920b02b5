from pathlib import Path

from finale_pipeline.operate import dictionary
from finale_pipeline.warehouse.connect import Connection

FILE = Path(__file__).parents[2] / dictionary.FILE


def test_the_data_dictionary_is_that_of_the_newest_schema(connection: Connection) -> None:
    assert FILE.read_text(encoding="utf-8") == dictionary.render(connection), "make dictionary"


def test_every_view_and_column_that_people_ask_says_what_it_means(connection: Connection) -> None:
    rows = connection.execute(dictionary.QUERY).fetchall()
    assert [row[:4] for row in rows if not (row[2] and row[6])] == []
