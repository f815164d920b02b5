"""The server of each port: the same limits before our API and before Dagster's UI."""

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.types import ASGIApp

from finale_pipeline.api.app import create_app
from finale_pipeline.api.server.connections import HEADER_SECONDS, limited
from finale_pipeline.api.server.middleware import Middleware, Policy
from finale_pipeline.api.server.tokens import require_tokens
from finale_pipeline.settings import Settings

HEADER_BYTES = 32 << 10
MESSAGE_BYTES = 1 << 20
"""Of one WebSocket message from a browser: a subscription."""
DAGSTER_BODY_BYTES = 8 << 20
"""Of one question to Dagster: the launchpad sends whole run configurations."""
DAGSTER_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def api_server(
    settings: Settings, *, clock: Callable[[], datetime], header_seconds: float = HEADER_SECONDS
) -> uvicorn.Server:
    """Return the server of our API and pages, ready to run.

    Raises:
        ConfigError: It would serve other machines, and a token is missing or short.
    """
    app = create_app(settings, clock=clock)
    return _server(app, settings.api_host, settings.api_port, header_seconds)


def serve_dagster(settings: Settings, workspace: Path) -> None:
    """Serve Dagster's UI behind our middleware until asked to stop.

    Its path prefix is that of FINALE_UI_URL, for a proxy that serves both ports under one name.

    Raises:
        ConfigError: It would serve other machines, and a token is missing or short.
    """
    from dagster import DagsterInstance  # a second, which the API need not wait
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    require_tokens(settings, settings.ui_host, "FINALE_UI_HOST")
    prefix = settings.ui_prefix
    target = WorkspaceFileTarget([str(workspace)])
    with (
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, version=version("dagster"), read_only=False, workspace_load_target=target
        ) as context,
    ):
        app = create_app_from_workspace_process_context(context, prefix)
        dagster_server(app, settings, prefix).run()


def dagster_server(app: ASGIApp, settings: Settings, prefix: str = "") -> uvicorn.Server:
    """Return the server of Dagster's UI, ready to run."""
    policy = Policy(
        public=(f"{prefix}/server_info",),
        json_only="/",
        body_bytes=DAGSTER_BODY_BYTES,
        headers=DAGSTER_HEADERS,
        extra_policy="frame-ancestors 'none'",
        graphql=f"{prefix}/graphql",
    )
    return _server(Middleware(app, settings, policy), settings.ui_host, settings.ui_port)


def _server(
    app: Any, host: str, port: int, header_seconds: float = HEADER_SECONDS
) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=limited(header_seconds),
        h11_max_incomplete_event_size=HEADER_BYTES,
        ws_max_size=MESSAGE_BYTES,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
    )
    return uvicorn.Server(config)
