"""Every execution of a sync, and what it could not write."""

from sqlalchemy import BigInteger, Column, Index, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

sync_run = Table(
    "sync_run",
    metadata,
    Column(
        "run_id", BigInteger, primary_key=True, autoincrement=True, comment="Number of the run."
    ),
    text_("strategy", "full, inventory, vendors, or the asset of a backfill.", required=True),
    text_("trigger", "cli, schedule, sensor, ui or test.", required=True),
    text_("dagster_run_id", "Dagster's id of the run, when Dagster runs it."),
    text_("status", "running, done, failed, held, throttled or interrupted.", required=True),
    at("started_at", "UTC.", required=True),
    at("heartbeat_at", "UTC, last sign of life.", required=True),
    at("finished_at", "UTC; null while it runs."),
    text_("step", "What it does, or did last, such as `products 3 of 38`."),
    Column("progress", Numeric, comment="Share of the work that is done, 0 to 1."),
    Column(
        "counts",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Per table: read, inserted, updated, unchanged, removed, rejected.",
    ),
    Column("api_calls", BigInteger, nullable=False, server_default=text("0"), comment="Requests."),
    Column("bytes", BigInteger, nullable=False, server_default=text("0"), comment="Bytes read."),
    text_("error_kind", "Class of the error: CONFIG, THROTTLED, TRANSIENT, …"),
    text_("error", "What happened, what it means for the data, the next step."),
    Column("locks", ARRAY(Text), nullable=False, comment="Table sets it works on."),
    Index("sync_run_started_at_idx", "started_at"),
    schema="ops",
    comment="Every execution of a sync; one row per run.",
)

sync_reject = Table(
    "sync_reject",
    metadata,
    Column("reject_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("run_id", BigInteger, nullable=False, comment="The run that met it."),
    text_("table_name", "The table it was meant for.", required=True),
    text_("record_key", "Key of the record, when it had one."),
    text_("reason", "Why it was not written.", required=True),
    text_("sample", "The offending value, shortened, control characters escaped."),
    at("rejected_at", "UTC.", required=True),
    Index("sync_reject_run_id_idx", "run_id"),
    schema="ops",
    comment="Records that were read and not written; one row per record and run.",
)
