"""Dagster's records in PostgreSQL, over connections that stay open.

Dagster's own storage opens a connection for each statement: ninety for a critical sync, which take
more time than all the rest of it. Dagster's instance names this one (`storage`) instead.
"""

from collections.abc import Mapping
from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import (
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

KEPT = 2
"""Connections that a process keeps open between statements; more are closed after use."""
SECONDS = 300
"""A connection is used for so long; firewalls forget one that says nothing for six minutes."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules over one pool; a connection that broke is opened anew."""

    def __init__(self, postgres_url: str, *arguments: Any, **options: Any) -> None:
        super().__init__(postgres_url, *arguments, **options)
        engine = create_pg_engine(
            postgres_url,
            options.get("token_provider"),
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT,
            max_overflow=-1,
            pool_recycle=SECONDS,
            pool_pre_ping=True,
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = engine  # they take none; for the webserver they set it so themselves

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Make it as Dagster's instance configures it."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
            token_provider=get_token_provider_from_config(config_value),
        )
