import os
import stat
import threading
from pathlib import Path

import pytest

from finale_pipeline.disk import create_whole, write_whole


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_is_replaced_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.json"
    write_whole(path, "ö")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(path.parent) == ["a.json"]


def test_a_secret_is_never_readable_by_others_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("old")
    path.chmod(0o666)
    write_whole(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.mkdir()  # a file cannot take the place of a folder
    (path / "kept").write_text("x")
    with pytest.raises(OSError, match="a"):
        write_whole(path, "new")
    assert names(tmp_path) == ["a"]
    assert (path / "kept").read_text() == "x"


def test_a_part_of_a_killed_process_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.with_name(f".a.{os.getpid()}.{threading.get_ident()}.part").write_text("half")
    write_whole(path, "whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["a"]


def test_the_first_of_two_creators_wins_and_its_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "home" / "key"
    create_whole(path, b"first")
    create_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert names(path.parent) == ["key"]
