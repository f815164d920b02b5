"""Demand: history, pace, quantiles learnt from peers, and how good they were."""
