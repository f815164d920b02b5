"""Puts the app together: routes, errors, the middleware before it, the description of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from finale_pipeline.api.pages import agreements as agreement_pages
from finale_pipeline.api.pages import decisions as decision_pages
from finale_pipeline.api.pages import forecasts as forecast_pages
from finale_pipeline.api.pages import home as home_pages
from finale_pipeline.api.pages import orders as order_pages
from finale_pipeline.api.pages import plan as plan_pages
from finale_pipeline.api.pages import stock as stock_pages
from finale_pipeline.api.pages import today as today_pages
from finale_pipeline.api.rest import adjustments, monitoring, orders, plan, schedules, stock, syncs
from finale_pipeline.api.rest.openapi import good
from finale_pipeline.api.rest.openapi import problems as answers
from finale_pipeline.api.rest.responses import as_json
from finale_pipeline.api.server import problems
from finale_pipeline.api.server.context import Context, Shared, Warehouse, known_parameters
from finale_pipeline.api.server.dagster import Dagster
from finale_pipeline.api.server.database import Pool
from finale_pipeline.api.server.middleware import Middleware
from finale_pipeline.api.server.tokens import require_tokens
from finale_pipeline.notify import links
from finale_pipeline.settings import Settings

COMPRESSED_BYTES = 64 << 10
"""Answers from here on are compressed: a long plan, to a tenth. No answer holds a secret."""
REST = (syncs, schedules, stock, orders, plan, adjustments)
LISTS = (today_pages, home_pages, plan_pages, stock_pages, forecast_pages)
FORMS = (decision_pages, order_pages, agreement_pages)
ABOUT = (
    "Reads the warehouse, starts syncs through Dagster. Errors are problem+json with stable codes;"
    " lists come in pages with `cursor`; JSON or CSV by Accept. Fields may be added to answers,"
    " none is renamed or removed."
)


class App(FastAPI):
    """FastAPI whose OpenAPI document says which token it wants."""

    def openapi(self) -> dict[str, Any]:
        """Return the document."""
        document = super().openapi()
        schemes = document.setdefault("components", {})
        schemes["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}, {}]
        return document


def create_app(settings: Settings, *, clock: Callable[[], datetime]) -> Middleware:
    """Return the app, behind its middleware.

    Raises:
        ConfigError: It would serve other machines, and there is no token.
    """
    require_tokens(settings, settings.api_host, "FINALE_API_HOST")
    links.key_of(settings.home)  # a damaged key is told at the start
    context = Context(
        settings=settings,
        pool=Pool(settings),
        dagster=Dagster(settings.dagster, settings.api_token, location=settings.code_location),
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        context.pool.close()
        context.dagster.close()

    app = App(
        title="finale_pipeline",
        version=version("finale-pipeline"),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(known_parameters)],
    )
    app.state.context = context
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED_BYTES, compresslevel=4)
    problems.install(app)
    for module in (*REST, *LISTS, *FORMS):
        app.include_router(module.router)
    _probes(app)
    return Middleware(app, settings)


def _probes(app: FastAPI) -> None:
    @app.get("/livez", tags=["probes"], responses=good("It runs.", {"status": "alive"}) | answers())
    def livez() -> Response:
        """Say that the process answers."""
        return as_json({"status": "alive"})

    @app.get("/readyz", tags=["probes"], responses=good("Ready.", {"status": "ready"}) | answers())
    def readyz(_connection: Warehouse) -> Response:
        """Say that the database answers, too; else 503."""
        return as_json({"status": "ready"})

    @app.get("/metrics", include_in_schema=False)
    def metrics(connection: Warehouse, context: Shared) -> Response:
        """Return the metrics as Prometheus reads them."""
        values = monitoring.metrics(connection, context.settings, now=context.clock())
        return PlainTextResponse(monitoring.prometheus(values))

    @app.get("/favicon.ico", include_in_schema=False)
    def favicon(_request: Request) -> Response:
        """Have none."""
        return Response(status_code=204)
