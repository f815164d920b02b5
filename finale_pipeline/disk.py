"""Files that are there whole or not at all, whoever reads, and whenever the power goes."""

import os
import re
import secrets
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER_ONLY = 0o600
UMASK = 0o077
"""Of every process of ours: what it makes is for its own user."""


PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")
LONGEST_FOLDER = 84
"""A socket's path may have 107 bytes, of which its name takes some."""


def write_whole(path: Path, data: str | bytes) -> None:
    """Replace a file in one step; a write that fails leaves what was there.

    Only its owner may read it.

    Args:
        path: The file; its folder is made when it is missing.
        data: All of it; text is written as UTF-8.

    Raises:
        OSError: The folder takes no files.
    """
    with _written(path, data) as part:
        part.replace(path)


def create_whole(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; one that another process wrote before stays.

    Raises:
        OSError: The folder takes no files.
    """
    with _written(path, data) as part, suppress(FileExistsError):
        path.hardlink_to(part)


@contextmanager
def _written(path: Path, data: str | bytes) -> Iterator[Path]:
    """Yield a file beside a path, with the data safe on the disk; it is gone afterwards."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One name per writer: two may replace the same file, and each writes all of its own.
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    part.unlink(missing_ok=True)
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, OWNER_ONLY)
        with os.fdopen(file, "wb") as opened:
            opened.write(data.encode() if isinstance(data, str) else data)
            opened.flush()
            os.fsync(opened.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def socket_folder(folder: Path, *, owner: int | None = None) -> Path:
    """Return where the sockets of a folder are: in it, unless its path is long or has odd letters.

    Addresses of sockets go through options, URLs and C strings, which take neither. The place
    instead is short and its user's alone; its name is noted beside the folder, and nobody guesses
    it before it is made.

    Args:
        owner: Number of the user who may have it instead of ours.

    Raises:
        OSError: The note cannot be kept, or somebody else made that place.
    """
    if _is_plain(folder):
        return folder
    temporary = Path(tempfile.gettempdir())
    if not _is_plain(temporary):
        temporary = Path("/tmp")  # noqa: S108 - what is made below it is ours alone
    note = folder.with_name(f"{folder.name}.sockets")
    if not note.exists():
        create_whole(note, str(temporary / f"finale-{secrets.token_hex(8)}").encode())
    place = Path(note.read_text(encoding="utf-8"))
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    status = place.lstat()  # a link could lead anywhere
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid in {os.geteuid(), owner}
    if not is_ours or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PermissionError(1, f"it is not ours alone; delete {note} for another", str(place))
    return place


def _is_plain(folder: Path) -> bool:
    return PLAIN.fullmatch(str(folder)) is not None and len(str(folder)) <= LONGEST_FOLDER
