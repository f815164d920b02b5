"""Syncs that were asked for through the API, so that asking twice starts one."""

from finale_pipeline.warehouse.tables import columns as c

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
