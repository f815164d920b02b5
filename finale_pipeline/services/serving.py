"""`finale api`: serves the API and the pages."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from finale_pipeline import logs
from finale_pipeline.clock import utc_now
from finale_pipeline.services.source import with_running_sandbox

if TYPE_CHECKING:
    import uvicorn

    from finale_pipeline.settings import Settings

log = logging.getLogger(__name__)

HEADER_BYTES = 32 << 10
HEADER_SECONDS = 10.0


def server(
    settings: "Settings",
    *,
    clock: Callable[[], datetime] = utc_now,
    header_seconds: float = HEADER_SECONDS,
) -> "uvicorn.Server":
    """Return the server, ready to run.

    Args:
        settings: The program's settings.
        clock: Returns the present time, UTC.
        header_seconds: Time in which a connection's first request must be known.

    Raises:
        ConfigError: It would serve other machines, and there is no token.
    """
    import uvicorn  # noqa: PLC0415 - only what serves

    from finale_pipeline.api.app import create_app  # noqa: PLC0415 - FastAPI
    from finale_pipeline.api.server.timeouts import impatient  # noqa: PLC0415

    app = create_app(settings, clock=clock)
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=impatient(header_seconds),  # has limits for headers: their size, their time
        h11_max_incomplete_event_size=HEADER_BYTES,
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,  # what logs.py configured holds for it too
        lifespan="on",
    )
    return uvicorn.Server(config)


def serve(settings: "Settings") -> int:
    """Serve until asked to stop."""
    logs.configure("api", level=settings.log_level, secrets=settings.secret_values())
    log.info("The API and its pages are at http://%s:%d.", settings.api_host, settings.api_port)
    server(with_running_sandbox(settings)).run()
    log.info("The API has stopped.")
    return 0
