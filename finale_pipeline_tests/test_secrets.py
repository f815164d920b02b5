"""S6: no secret lies in the repository, and the file that holds them never gets there."""

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLDERS = ("finale_pipeline", "finale_pipeline_tests", "benchmarks", "deploy", "docs", ".ci")
BINARY = {".png", ".parquet", ".pyc", ".gz", ".ttf"}
SECRETS = re.compile(
    r"SG\.[\w-]{16,}\.[\w-]{16,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY|postgres(?:ql)?://\w+:[0-9a-f]{16,}@"
)


def texts() -> Iterator[tuple[Path, str]]:
    own = [path for folder in FOLDERS for path in (PROJECT / folder).rglob("*")]
    for path in (*own, *PROJECT.glob("*.*"), PROJECT / ".env.example"):
        if path.is_file() and path.suffix not in BINARY and path.name != ".env":
            yield path, path.read_text(encoding="utf-8")


def test_the_scan_knows_a_secret_when_it_sees_one() -> None:
    made_up = "SG." + "a" * 22 + "." + "b" * 43
    assert SECRETS.search(f"key = '{made_up}'")
    assert SECRETS.search("postgresql://finale:" + "0123456789abcdef" * 2 + "@host/finale")


def test_no_file_of_ours_holds_one() -> None:
    assert [str(path) for path, text in texts() if SECRETS.search(text)] == []


def test_the_settings_file_is_left_out_of_the_repository_and_of_images() -> None:
    for name in (".gitignore", ".dockerignore"):
        assert ".env" in (PROJECT / name).read_text().splitlines()
