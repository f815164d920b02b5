"""Files that are there whole or not at all, whoever reads, and whenever the power goes."""

import os
from pathlib import Path

OWNER_ONLY = 0o600
EVERYBODY = 0o644


def write_whole(path: Path, data: str | bytes, *, mode: int = EVERYBODY) -> None:
    """Replace a file in one step; a write that fails leaves what was there.

    Args:
        path: The file; its folder is made when it is missing.
        data: All of it; text is written as UTF-8.
        mode: Who may use it, less the umask.

    Raises:
        OSError: The folder takes no files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name per process: two may replace the same file, and each writes all of its own.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
