"""Whether a port can be listened on."""

import socket

from finale_pipeline.errors import LocalError


def require_free(port: int, what: str, setting: str, host: str = "127.0.0.1") -> None:
    """Refuse a port that cannot be listened on.

    Raises:
        LocalError: Something listens there, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LocalError(
                f"Port {port}, meant for {what}, cannot be used: {error.strerror or error}.",
                data="Nothing was started.",
                step=f"End what listens there, or choose another port: {setting}={port + 10}.",
            ) from error
