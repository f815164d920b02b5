"""What starts by itself, and what people start whole: jobs, schedules, sensors."""

import warnings

import dagster as dg

# What is in beta is used on purpose, and pinned; a line for each use would hide what matters.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
