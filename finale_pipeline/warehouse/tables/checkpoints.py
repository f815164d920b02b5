"""What syncs remember of their reading, and whose data these are."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "ops.scan", "A complete reading of a table by windows, which a killed sync resumes.",
    c.serial("scan_id"),
    c.text("table_name", "The table whose windows it reads.", required=True),
    c.at("since_at", "UTC, where it begins.", required=True),
    c.at("started_at", "UTC, by the source's clock; the tail from here is read last.",
         required=True),
    c.at("finished_at", "UTC; null while it is under way or interrupted."),
)

c.table(
    "ops.catalogue_window", "Checkpoints of scans, and what makes an untouched window cost nothing"
    " to read again.",
    c.text("table_name", "The table.", key=True),
    c.at("window_from", "UTC, included.", key=True),
    c.at("window_to", "UTC, excluded.", key=True),
    c.big("scan_id", "The scan that last read it.", required=True),
    c.big("body_digest", "64-bit hash of the answer.", required=True),
    c.big("row_count", "Records of the window.", required=True),
    c.big("fingerprint", "Rows' hashes in the table, xor-ed.", required=True),
    c.at("committed_at", "UTC.", required=True),
)

c.table(
    "ops.absence", "Records a scan missed where they were; what is still missing at its end is"
    " removed.",
    c.big("scan_id", "The scan.", key=True),
    c.text("record_url", "The record.", key=True),
    c.big("row_hash", "Its row's hash then; written anew since = not absent."),
    c.flag("is_absent", "True: its window no longer has it; false: met elsewhere with an older"
           " stamp."),
)

c.table(
    "ops.feed", "The last complete read of a feed that has no windows.",
    c.text("feed_name", "Such as stock.", key=True),
    c.big("body_digest", "64-bit hash of the last answer.", required=True),
    c.big("row_count", "Rows that answer wrote.", required=True),
    c.big("fingerprint", "Rows' hashes, xor-ed.", required=True),
    c.at("read_at", "UTC, when it was read and believed.", required=True),
)

c.table(
    "ops.account", "Whose data these are; another account's sync is refused.",
    c.only_row(),
    c.text("base_url", "Address of the source of these data.", required=True),
    c.text("account_name", "Account these data belong to.", required=True),
    c.at("adopted_at", "UTC, when the first sync wrote it.", required=True),
    c.at("restored_at", "UTC, when these data were last restored from a backup; null = never."),
    c.text("case_quantities", "What quantities beside a packing were taken for: cases or units;"
           " null = none were read."),
    c.text("case_evidence", "The numbers of the account that decided it; null = the setting did, or"
           " nothing yet."),
    c.text("case_evidence_of", "Whose numbers those are: orders, whose totals decide for good, or"
           " stock; null = nothing decided."),
)
