"""Spans without stock, and what buyers know of demand."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Create both; who is out now is out since now, as far as anybody saw."""
    op.execute("""
        CREATE TABLE core.stock_out_span (
            product_url text NOT NULL,
            from_at timestamptz NOT NULL,
            until_at timestamptz,
            PRIMARY KEY (product_url, from_at)
        )
    """)
    op.execute("""
        INSERT INTO core.stock_out_span (product_url, from_at)
        SELECT l.product_url, d.read_at FROM core.stock_level l,
            (SELECT max(read_at) AS read_at FROM core.stock_day) d
        WHERE l.available_units <= 0 AND d.read_at IS NOT NULL
    """)
    op.execute("""
        CREATE TABLE plan.demand_adjustment (
            adjustment_id bigserial PRIMARY KEY,
            scope text NOT NULL,
            scope_key text NOT NULL,
            kind text NOT NULL,
            value numeric,
            predecessor_url text,
            from_on date,
            until_on date,
            note text,
            made_by text NOT NULL,
            made_at timestamptz NOT NULL,
            withdrawn_by text,
            withdrawn_at timestamptz,
            CONSTRAINT demand_adjustment_scope
                CHECK (scope IN ('product', 'vendor', 'category')),
            CONSTRAINT demand_adjustment_kind CHECK (
                CASE kind WHEN 'successor' THEN scope = 'product' AND predecessor_url IS NOT NULL
                    WHEN 'times' THEN value >= 0 AND from_on <= until_on
                    WHEN 'units' THEN scope = 'product' AND value >= 0 AND from_on <= until_on
                    ELSE false END)
        )
    """)
    op.execute(
        "CREATE INDEX demand_adjustment_scope_idx ON plan.demand_adjustment (scope, scope_key)"
    )
