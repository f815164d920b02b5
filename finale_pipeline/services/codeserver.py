"""Dagster's code server, which does not outlive what is behind it.

`python -m finale_pipeline.services.codeserver …` takes what `dagster code-server start` takes. The
server hands all questions to a process of its own that has the definitions and starts the runs.
When that one is killed, Dagster's server goes on listening, looks well, and no sync starts any
more. So it is asked through it, and when nobody answers this process ends: whoever keeps it running
(`finale dev`, systemd, Docker) starts it again, whole. Beside it stands the process that runs are
copied from; while that is away, Dagster starts them its own, slower way.
"""

import logging
import os
import subprocess
import sys
import threading
import time

PAUSE = 10.0
"""Seconds between two questions."""
IN_VAIN = 2
"""So many questions without an answer, after there was one, are no coincidence."""
RUNS = "finale_pipeline.services.runs"
log = logging.getLogger("dagster.code_server")


def answers(socket: str) -> bool:
    """Whether the process that has the definitions answers, whatever it says of them."""
    # Not public; what Dagster's own webserver and daemon ask by.
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient

    try:
        DagsterGrpcClient(socket=socket).list_repositories()
    except DagsterUserCodeUnreachableError:
        return False
    except Exception:  # noqa: BLE001 - it answered: the definitions could not be loaded
        return True
    return True


def _watch(socket: str) -> None:
    """End this process when the one behind it is gone; keep the one that starts runs."""
    was_well, failures = False, 0
    runs: subprocess.Popen[bytes] | None = None
    while failures < IN_VAIN:
        time.sleep(PAUSE)
        if answers(socket):
            was_well, failures = True, 0
            if sys.platform == "linux" and (runs is None or runs.poll() is not None):
                runs = subprocess.Popen([sys.executable, "-m", RUNS, socket])  # noqa: S603
        elif was_well:
            failures += 1
    log.error("The process that starts runs has died; the code server ends to be started again.")
    os._exit(1)


def main() -> None:
    """Serve until asked to stop, or until nothing is behind it."""
    from dagster._cli import main as dagster  # a second

    options = sys.argv[1:]
    socket = options[options.index("--socket") + 1]
    threading.Thread(target=_watch, args=(socket,), name="watch", daemon=True).start()
    sys.argv = ["dagster", "code-server", "start", *options]
    dagster()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
