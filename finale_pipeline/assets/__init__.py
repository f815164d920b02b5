"""The assets: what the UI shows, what people backfill, what checks watch."""
