"""The REST API: JSON, CSV and workbooks."""
