"""Runs one command from a small process, and writes what the command used to a file, as JSON.

The largest resident set that the kernel tells of a process begins with that of the process which
started it: started by the benchmark itself, nothing could be smaller than the benchmark.
"""

import json
import os
import sys
import time


def main(told: str, *command: str) -> None:
    begun = time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    used = {
        "seconds": time.monotonic() - begun,
        "code": os.waitstatus_to_exitcode(status),
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }
    with open(told, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib alone doubles its size
        json.dump(used, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
