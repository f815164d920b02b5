"""Finale Inventory in your own Postgres: fresh, complete, explained."""

import os

# NumPy reads it when it is imported. Forecasts multiply many small matrices: threads that share
# one of them wait for each other, and took twice the processor time and half more of the clock.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# The allocator of polars reads it when polars is imported. One arena for all threads: what one has
# freed another takes, instead of memory of its own; a full sync of stock peaks 20 to 30 MB lower.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1")
