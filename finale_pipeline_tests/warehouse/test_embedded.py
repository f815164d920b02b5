"""The embedded server is its user's own: neither its lock nor its socket is shared."""

import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from finale_pipeline.errors import LocalError
from finale_pipeline.warehouse import embedded


def test_users_of_one_machine_do_not_meet(server: str) -> None:
    data = Path(parse_qs(urlsplit(server).query)["host"][0])
    assert (data.parent / "postgres.lock").exists()
    assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot be made: Not a directory"):
        embedded.start(tmp_path / "file" / "home" / "postgres")
