"""What syncs remember of their reading, and whose data these are."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Table

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

walk = Table(
    "walk",
    metadata,
    Column("walk_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("table_name", "The table whose windows it reads.", required=True),
    Column("since_at", DateTime(timezone=True), nullable=False, comment="UTC, where it begins."),
    at("started_at", "UTC, by the source's clock; the tail from here is read last.", required=True),
    at("finished_at", "UTC; null while it is under way or interrupted."),
    schema="ops",
    comment="A complete reading of a table by windows, which a killed sync resumes.",
)

catalogue_window = Table(
    "catalogue_window",
    metadata,
    text_("table_name", "The table.", key=True),
    Column("window_from", DateTime(timezone=True), primary_key=True, comment="UTC, included."),
    Column("window_to", DateTime(timezone=True), primary_key=True, comment="UTC, excluded."),
    Column("walk_id", BigInteger, nullable=False, comment="The walk that last read it."),
    Column("body_digest", BigInteger, nullable=False, comment="64-bit hash of the answer."),
    Column("row_count", BigInteger, nullable=False, comment="Records of the window."),
    Column("fingerprint", BigInteger, nullable=False, comment="Rows' hashes in the table, xor-ed."),
    at("committed_at", "UTC.", required=True),
    schema="ops",
    comment="Checkpoints of walks, and what makes an untouched window cost nothing to read again.",
)

absence = Table(
    "absence",
    metadata,
    Column("walk_id", BigInteger, primary_key=True, comment="The walk."),
    text_("record_url", "The record.", key=True),
    Column("row_hash", BigInteger, comment="Its row's hash then; written anew since = not absent."),
    Column(
        "is_absent",
        Boolean,
        nullable=False,
        comment="True: its window no longer has it; false: met elsewhere with an older stamp.",
    ),
    schema="ops",
    comment="Records a walk missed where they were; what is still missing at its end is removed.",
)

feed = Table(
    "feed",
    metadata,
    text_("feed_name", "Such as stock.", key=True),
    Column("body_digest", BigInteger, nullable=False, comment="64-bit hash of the last answer."),
    Column("row_count", BigInteger, nullable=False, comment="Rows that answer wrote."),
    Column("fingerprint", BigInteger, nullable=False, comment="Rows' hashes, xor-ed."),
    at("read_at", "UTC, when it was read and believed.", required=True),
    schema="ops",
    comment="The last complete read of a feed that has no windows.",
)

account = Table(
    "account",
    metadata,
    Column("only_row", Boolean, primary_key=True, comment="True: there is one row."),
    text_("base_url", "Address of the source of these data.", required=True),
    text_("account_name", "Account these data belong to.", required=True),
    at("adopted_at", "UTC, when the first sync wrote it.", required=True),
    at("restored_at", "UTC, when these data were last restored from a backup; null = never."),
    text_(
        "case_quantities",
        "What quantities beside a packing were taken for: cases or units; null = none were read.",
    ),
    text_(
        "case_evidence",
        "The numbers of the account that decided it; null = the setting did, or nothing yet.",
    ),
    text_(
        "case_evidence_of",
        "Whose numbers those are: orders, whose totals decide for good, or"
        " stock; null = nothing decided.",
    ),
    schema="ops",
    comment="Whose data these are; another account's sync is refused.",
)
