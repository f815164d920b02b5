"""Every execution of a sync, what asked for it, and what it could not write."""

from sqlalchemy import text

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "ops.sync_run", "Every execution of a sync; one row per run.",
    c.serial("run_id", "Number of the run."),
    c.text("strategy", "critical, inventory, active, full, vendors, or a backfilled asset.",
           required=True),
    c.text("trigger", "cli, schedule, sensor, api, ui or test.", required=True),
    c.text("reason", "Why this strategy, where smart chose it; null = it was asked for."),
    c.text("dagster_run_id", "Dagster's id of the run, when Dagster runs it."),
    c.text("status", "running, done, failed, held, throttled (goes on at retry_at), skipped or"
           " interrupted.", required=True),
    c.at("started_at", "UTC.", required=True, index=True),
    c.at("heartbeat_at", "UTC, last sign of life.", required=True),
    c.at("finished_at", "UTC; null while it runs."),
    c.text("step", "What it does, or did last, such as `products 3 of 38`."),
    c.number("progress", "Share of the work that is done, 0 to 1."),
    c.integer("batch", "Batches that are committed, in the present part."),
    c.integer("batches", "Batches expected in the present part."),
    c.big("rows_done", "Rows read.", default="0"),
    c.at("eta_at", "UTC, when it will be done at its pace so far; null = not known yet."),
    c.at("retry_at", "UTC, when the source's budget is back, for a throttled run."),
    c.json("counts", "Per table: read, inserted, updated, unchanged, removed, rejected.",
           default="'{}'"),
    c.big("api_calls", "Requests.", default="0"),
    c.big("bytes", "Bytes read.", default="0"),
    c.text("error_kind", "Class of the error: CONFIG, THROTTLED, TRANSIENT, …; CRASHED: its process"
           " ended without a word; STUCK: it gave no sign of life and was cancelled."),
    c.text("error", "What happened, what it means for the data, the next step."),
    c.texts("locks", "Table sets it works on."),
)

c.table(
    "ops.sync_reject", "Records that were read and not written; one row per record and run.",
    c.serial("reject_id"),
    c.big("run_id", "The run that met it.", required=True, index=True),
    c.text("table_name", "The table it was meant for.", required=True),
    c.text("record_key", "Key of the record, when it had one."),
    c.text("reason", "Why it was not written.", required=True),
    c.text("sample", "The offending value, shortened, control characters escaped."),
    c.at("rejected_at", "UTC.", required=True),
)

c.table(
    "ops.schedule_tick", "What became of each due time of a schedule; one row per schedule and due"
    " time.",
    c.text("schedule_name", "The schedule.", key=True),
    c.at("tick_at", "UTC, when it was due.", key=True),
    c.at("decided_at", "UTC, when it was decided.", required=True, index=True),
    c.text("strategy", "What it stands for; for smart, what that chose.", required=True),
    c.flag("is_run", "Whether a sync was asked for."),
    c.text("reason", "Why it was skipped, or why smart chose the strategy."),
    c.integer("repeats", "How often the same tick came again; more than 0 = a second daemon runs.",
              default="0"),
    c.at("repeated_at", "UTC, when it last came again."),
)

c.table(
    "ops.asset_lateness", "From when on an asset is late, by the schedules that were on when it was"
    " noted; one row per asset. Without one its age counts.",
    c.text("asset", "Name of the asset in Dagster.", key=True),
    c.at("read_at", "UTC, the read that it is about.", required=True),
    c.at("late_at", "UTC, when it is late without another one.", required=True),
)

c.table(
    "ops.hold", "Reads that were not believed and changed nothing, until a person decides.",
    c.serial("hold_id"),
    c.big("run_id", "The run that held it first.", required=True),
    c.text("subject", "What was held: stock, or the table with records gone.", required=True),
    c.texts("reasons", "Why the read was not believed."),
    c.json("before", "What is stored, in sum."),
    c.json("after", "What was read, in sum."),
    c.json("sample", "Some of the records that would change most."),
    c.at("held_at", "UTC, when it was held first.", required=True),
    c.at("seen_at", "UTC, when a read last said the same.", required=True),
    c.integer("seen_count", "Reads that said so.", required=True),
    c.text("state", "open, approved, rejected, or passed: a later read was fine.", required=True),
    c.at("decided_at", "UTC, when it left the state open."),
    c.text("decided_by", "Who approved or rejected it; null = nobody, or a later read was fine."),
    c.index("hold_open_idx", "subject", unique=True, where="state IN ('open', 'rejected')"),
)

c.table(
    "ops.outage", "Times in which the watch found that syncs, daemon or mails do not go on by"
    " themselves, and told it; at most one is open.",
    c.serial("outage_id"),
    c.at("opened_at", "UTC, when it was first told.", required=True),
    c.texts("told", "What was told of it: database, daemon, syncs, outbox."),
    c.at("closed_at", "UTC, when all was well again; null = it is open."),
    c.index("outage_open_idx", text("(closed_at IS NULL)"), unique=True, where="closed_at IS NULL"),
)

c.table(
    "ops.request", "Requests of the last hour by all processes; the source's budgets are kept by"
    " them.",
    c.serial("request_id"),
    c.at("sent_at", "UTC.", required=True, index=True),
    c.text("method", "GET or POST.", required=True),
    c.flag("is_collection", "Whether it reads a collection."),
    prefixes=["UNLOGGED"],
)

c.table(
    "ops.request_block", "Until when the source wants no requests, as its answers said.",
    c.only_row(),
    c.at("blocked_until", "UTC, when requests may go out again.", required=True),
)

c.table(
    "ops.trigger", "Syncs that the API started; one row per run.",
    c.serial("trigger_id"),
    c.text("idempotency_key", "What the caller named the request; null = it was not named."),
    c.text("asked_for", "critical, inventory, vendors, smart, …: what was asked for.",
           required=True),
    c.text("strategy", "What was started.", required=True),
    c.text("dagster_run_id", "Dagster's id of the run.", required=True),
    c.json("answer", "The answer that was given."),
    c.at("asked_at", "UTC.", required=True, index=True),
    c.text("asked_by", "Who asked: api, or the name that the caller gave; null = asked before it"
           " was kept."),
    c.index("trigger_idempotency_key_idx", "idempotency_key", unique=True),
)
