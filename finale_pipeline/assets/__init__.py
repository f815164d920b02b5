"""The assets: what the UI shows, what people backfill, what checks watch."""

import warnings

import dagster as dg

# What is in beta is used on purpose, and pinned; a line for each use would hide what matters.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
