"""`finale api`: serves the API and the pages."""

import logging
from contextlib import suppress

from finale_pipeline import logs
from finale_pipeline.api.serving import api_server
from finale_pipeline.clock import utc_now
from finale_pipeline.services.ports import require_free
from finale_pipeline.services.source import with_running_sandbox
from finale_pipeline.settings import Settings

log = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve until asked to stop."""
    logs.configure("api", level=settings.log_level)
    host, port = settings.api_host, settings.api_port
    require_free(port, "the API and its pages", "FINALE_API_PORT", host)
    log.info("The API and its pages are at http://%s:%d.", host, port)
    with suppress(KeyboardInterrupt):  # Ctrl-C, raised once more when it has stopped
        api_server(with_running_sandbox(settings), clock=utc_now).run()
    log.info("The API has stopped.")
