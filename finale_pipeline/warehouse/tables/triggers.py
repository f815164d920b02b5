"""Syncs that were asked for through the API, so that asking twice starts one."""

from sqlalchemy import BigInteger, Column, Index, Table
from sqlalchemy.dialects.postgresql import JSONB

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

trigger = Table(
    "trigger",
    metadata,
    Column("trigger_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("idempotency_key", "What the caller named the request; null = it was not named."),
    text_(
        "asked_for", "critical, inventory, vendors, smart, …: what was asked for.", required=True
    ),
    text_("strategy", "What was started.", required=True),
    text_("dagster_run_id", "Dagster's id of the run.", required=True),
    Column("answer", JSONB, nullable=False, comment="The answer that was given."),
    at("asked_at", "UTC.", required=True),
    text_(
        "asked_by",
        "Who asked: api, or the name that the caller gave; null = asked before it was kept.",
    ),
    Index("trigger_idempotency_key_idx", "idempotency_key", unique=True),
    Index("trigger_asked_at_idx", "asked_at"),
    schema="ops",
    comment="Syncs that the API started; one row per run.",
)
