"""Whether all is well, and who is told when it is not.

Findings are made, and their limits stand, in `rules` (the warehouse), `scheduling` (what runs by
itself) and `installation` (what is around it). The doctor, the watch, the API, status and pages
show them; none judges by itself.
"""
