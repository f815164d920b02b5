"""Every error the pipeline raises, named by what the reader should do about it.

PipelineError
├── ConfigError             stop and change a setting; trying again cannot help
│   ├── CredentialsRefused  401 or 403: the key, the secret or their rights
│   ├── AddressRefused      a redirect, an address that is not allowed
│   │   └── UnknownPath     404
│   ├── WritesOff           writing to Finale was not allowed in the settings
│   ├── PastDay             stock was asked for a day that Finale cannot show
│   └── SchemaMismatch      the database is older or newer than this program
├── ThrottledError          wait until the named time, then run again
├── TransientError          the source is sick; run again later
│   └── SourceUnavailable   5xx, timeout, broken connection, cut answer
├── MalformedError          the answer is not what the protocol promises; nothing of it was used
├── DriftError              the shape changed: a column gone, too many unreadable rows
├── ImplausibleError        well-formed but not believable; held for a person
│   └── NeedsDecision       an order that a person must agree to first
├── LocalError              our own database, disk or memory
├── SkippedError            another sync does this work already
└── InterruptedSync         asked to stop; the next run goes on from the checkpoint

Each message names what happened, what it means for the data, and the next step.
"""

from datetime import datetime
from typing import ClassVar

from finale_pipeline.logs import scrubbed

COMMITTED_STAYS = "Nothing of it was used; what was committed before stays."
"""True at any moment of a sync, also in its middle."""


class PipelineError(Exception):
    """Base of all errors that a person may have to act on."""

    kind: ClassVar[str] = "BUG"
    exit_code: ClassVar[int] = 8
    stays: ClassVar[str] = "Nothing was read and nothing was changed."
    """What it means for the data, where nothing else is said."""

    def __init__(self, what: str, *, step: str, data: str | None = None) -> None:
        # Into mails, the ledger, Dagster's events: here all of them pass.
        texts = (what, self.stays if data is None else data, step)
        self.what, self.data, self.step = map(scrubbed, texts)
        super().__init__(f"{self.what} {self.data} {self.step}")


class ConfigError(PipelineError):
    """A setting is wrong or missing."""

    kind = "CONFIG"
    exit_code = 4


class CredentialsRefused(ConfigError):
    """The source answered 401 or 403."""

    stays = COMMITTED_STAYS


class AddressRefused(ConfigError):
    """The address is not a Finale account, or not one we may send credentials to."""

    stays = COMMITTED_STAYS


class UnknownPath(AddressRefused):
    """The source answered 404: a wrong account, or a record that is not there."""


class WritesOff(ConfigError):
    """Something would be written to Finale, and the settings do not allow it."""

    def __init__(self) -> None:
        super().__init__(
            "Writing to Finale is off: FINALE_ALLOW_WRITES is not true.",
            data="Nothing was sent to Finale and nothing was changed.",
            step="See what would be sent: finale orders draft --dry-run. To send it, set"
            " FINALE_ALLOW_WRITES=true.",
        )


class PastDay(ConfigError):
    """Stock is wanted of another day than today; Finale shows only the present."""


class SchemaMismatch(ConfigError):
    """The database's schema is not the one this program knows."""


class ThrottledError(PipelineError):
    """The source's budget is used up for longer than a run may wait."""

    kind = "THROTTLED"
    exit_code = 5

    def __init__(self, what: str, *, retry_at: datetime) -> None:
        super().__init__(
            what,
            data="What was committed before stays; the rest is unchanged.",
            step=f"Run again after {retry_at:%Y-%m-%d %H:%M:%S} UTC; it goes on where it stopped.",
        )
        self.retry_at = retry_at


class TransientError(PipelineError):
    """Waiting may help."""

    kind = "TRANSIENT"
    exit_code = 6
    stays = "The last good data stay as they are."

    def __init__(self, what: str, *, step: str | None = None, data: str | None = None) -> None:
        again = "Run again later; it goes on where it stopped."
        super().__init__(what, data=data, step=again if step is None else step)


class SourceUnavailable(TransientError):
    """5xx, timeout, broken connection, or an answer that ended early."""


class MalformedError(PipelineError):
    """The answer breaks the protocol; no part of it was used."""

    kind = "MALFORMED"
    exit_code = 7
    stays = "The whole answer was refused; the last good data stay as they are."

    def __init__(self, what: str, *, step: str | None = None, data: str | None = None) -> None:
        again = "Run again; if it repeats, look at the answer named here."
        super().__init__(what, data=data, step=again if step is None else step)


class DriftError(MalformedError):
    """The answer's shape changed in a way that this program must not guess about."""

    kind = "DRIFT"


class ImplausibleError(PipelineError):
    """A complete answer that would change too much to be believed unseen."""

    kind = "IMPLAUSIBLE"
    exit_code = 7
    stays = COMMITTED_STAYS


class NeedsDecision(ImplausibleError):
    """An order may be one too many; a person must look and agree first.

    Args:
        duplicates: Each line with the order that has its product already.
    """

    kind = "DECISION"

    def __init__(
        self, what: str, *, step: str, data: str, duplicates: list[dict[str, object]]
    ) -> None:
        super().__init__(what, step=step, data=data)
        self.duplicates = duplicates


class LocalError(PipelineError):
    """Our own database, disk or memory failed."""

    kind = "LOCAL"
    stays = "The open transaction was rolled back; the last good data stay as they are."


class SkippedError(PipelineError):
    """Another sync holds the tables; nothing was done, and nothing needs to be."""

    kind = "SKIPPED"
    exit_code = 3
    stays = COMMITTED_STAYS

    def __init__(self, what: str) -> None:
        super().__init__(what, step="Wait for it, or see `finale status`.")


class InterruptedSync(PipelineError):
    """Asked to stop, or replaced by another run; committed windows stay."""

    kind = "INTERRUPTED"
    stays = "Committed windows stay; the open one was rolled back."

    def __init__(self, what: str) -> None:
        super().__init__(what, step="Run the same sync again; it goes on from its checkpoint.")
