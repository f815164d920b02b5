"""What a believable change of a catalogue is."""

SMALL = 3
"""So many records may vanish from a small table without a question, if not all of them do."""


def implausible_removal(*, missing: int, live: int, limit: float) -> str | None:
    """Say why so many records cannot simply have been deleted, or None when they can.

    Args:
        limit: Share of records that may vanish in one read, 0 to 1.

    >>> implausible_removal(missing=30, live=100, limit=0.2)
    '30 of 100 records vanished at once (30 %, more than the 20 % that are believed)'
    >>> implausible_removal(missing=20, live=100, limit=0.2) is None
    True
    """
    if missing == 0 or (missing < live and missing <= max(SMALL, limit * live)):
        return None
    return (
        f"{missing} of {live} records vanished at once ({missing / live:.0%}, more than the"
        f" {limit:.0%} that are believed)".replace("%,", " %,").replace("% that", " % that")
    )


def too_many_rejects(*, rejected: int, read: int, limit: float) -> bool:
    """Whether so many rows are unreadable that the rest must not be trusted either.

    >>> too_many_rejects(rejected=2, read=100, limit=0.01)
    True
    >>> too_many_rejects(rejected=1, read=100, limit=0.01)
    False
    """
    return rejected > limit * read
