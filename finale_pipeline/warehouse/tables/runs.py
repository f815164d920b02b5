"""Every execution of a sync, and what it could not write."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

sync_run = Table(
    "sync_run",
    metadata,
    Column(
        "run_id", BigInteger, primary_key=True, autoincrement=True, comment="Number of the run."
    ),
    text_(
        "strategy",
        "critical, inventory, active, full, vendors, or a backfilled asset.",
        required=True,
    ),
    text_("trigger", "cli, schedule, sensor, api, ui or test.", required=True),
    text_("reason", "Why this strategy, where smart chose it; null = it was asked for."),
    text_("dagster_run_id", "Dagster's id of the run, when Dagster runs it."),
    text_(
        "status",
        "running, done, failed, held, throttled (goes on at retry_at), skipped or interrupted.",
        required=True,
    ),
    at("started_at", "UTC.", required=True),
    at("heartbeat_at", "UTC, last sign of life.", required=True),
    at("finished_at", "UTC; null while it runs."),
    text_("step", "What it does, or did last, such as `products 3 of 38`."),
    Column("progress", Numeric, comment="Share of the work that is done, 0 to 1."),
    Column("batch", Integer, comment="Batches that are committed, in the present part."),
    Column("batches", Integer, comment="Batches expected in the present part."),
    Column("rows_done", BigInteger, nullable=False, server_default=text("0"), comment="Rows read."),
    at("eta_at", "UTC, when it will be done at its pace so far; null = not known yet."),
    at("retry_at", "UTC, when the source's budget is back, for a throttled run."),
    Column(
        "counts",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Per table: read, inserted, updated, unchanged, removed, rejected.",
    ),
    Column("api_calls", BigInteger, nullable=False, server_default=text("0"), comment="Requests."),
    Column("bytes", BigInteger, nullable=False, server_default=text("0"), comment="Bytes read."),
    text_(
        "error_kind",
        "Class of the error: CONFIG, THROTTLED, TRANSIENT, …; CRASHED: its process ended without"
        " a word; STUCK: it gave no sign of life and was cancelled.",
    ),
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

schedule_tick = Table(
    "schedule_tick",
    metadata,
    text_("schedule_name", "The schedule.", key=True),
    Column("tick_at", DateTime(timezone=True), primary_key=True, comment="UTC, when it was due."),
    at("decided_at", "UTC, when it was decided.", required=True),
    text_("strategy", "What it stands for; for smart, what that chose.", required=True),
    Column("is_run", Boolean, nullable=False, comment="Whether a sync was asked for."),
    text_("reason", "Why it was skipped, or why smart chose the strategy."),
    Column(
        "repeats",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How often the same tick came again; more than 0 = a second daemon runs.",
    ),
    at("repeated_at", "UTC, when it last came again."),
    Index("schedule_tick_decided_at_idx", "decided_at"),
    schema="ops",
    comment="What became of each due time of a schedule; one row per schedule and due time.",
)

hold = Table(
    "hold",
    metadata,
    Column("hold_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("run_id", BigInteger, nullable=False, comment="The run that held it first."),
    text_("subject", "What was held: stock, or the table with records gone.", required=True),
    Column("reasons", ARRAY(Text), nullable=False, comment="Why the read was not believed."),
    Column("before", JSONB, nullable=False, comment="What is stored, in sum."),
    Column("after", JSONB, nullable=False, comment="What was read, in sum."),
    Column("sample", JSONB, nullable=False, comment="Some of the records that would change most."),
    at("held_at", "UTC, when it was held first.", required=True),
    at("seen_at", "UTC, when a read last said the same.", required=True),
    Column("seen_count", Integer, nullable=False, comment="Reads that said so."),
    text_("state", "open, approved, rejected, or passed: a later read was fine.", required=True),
    at("decided_at", "UTC, when it left the state open."),
    text_("decided_by", "Who approved or rejected it; null = nobody, or a later read was fine."),
    Index(
        "hold_open_idx",
        "subject",
        unique=True,
        postgresql_where=text("state IN ('open', 'rejected')"),
    ),
    schema="ops",
    comment="Reads that were not believed and changed nothing, until a person decides.",
)

outage = Table(
    "outage",
    metadata,
    Column("outage_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    at("opened_at", "UTC, when it was first told.", required=True),
    Column(
        "told",
        ARRAY(Text),
        nullable=False,
        comment="What was told of it: database, daemon, syncs, outbox.",
    ),
    at("closed_at", "UTC, when all was well again; null = it is open."),
    Index(
        "outage_open_idx",
        text("(closed_at IS NULL)"),
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
    ),
    schema="ops",
    comment="Times in which the watch found that syncs, daemon or mails do not go on by themselves,"
    " and told it; at most one is open.",
)

request = Table(
    "request",
    metadata,
    Column("request_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    at("sent_at", "UTC.", required=True),
    text_("method", "GET or POST.", required=True),
    Column("is_collection", Boolean, nullable=False, comment="Whether it reads a collection."),
    Index("request_sent_at_idx", "sent_at"),
    schema="ops",
    prefixes=["UNLOGGED"],
    comment="Requests of the last hour by all processes; the source's budgets are kept by them.",
)

request_block = Table(
    "request_block",
    metadata,
    Column("only_row", Boolean, primary_key=True, comment="True: there is one row."),
    at("blocked_until", "UTC, when requests may go out again.", required=True),
    schema="ops",
    comment="Until when the source wants no requests, as its answers said.",
)
