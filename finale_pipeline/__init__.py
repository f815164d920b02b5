"""Finale Inventory in your own Postgres: fresh, complete, explained."""

import os

# NumPy reads it when it is imported. Forecasts multiply many small matrices: threads that share
# one of them wait for each other, and took twice the processor time and half more of the clock.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
