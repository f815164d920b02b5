"""The words for states: of runs, held reads, mails, orders that we draft, and incidents."""

from typing import Literal

RunStatus = Literal["running", "done", "failed", "held", "throttled", "skipped", "interrupted"]
"""Of a sync run; a throttled one goes on when the source's budget is back."""
HoldState = Literal["open", "approved", "rejected", "passed"]
MailState = Literal["pending", "held", "sending", "sent", "merged", "dead"]
"""Of a mail in the outbox; held: by quiet hours."""
WAITING: tuple[MailState, ...] = ("pending", "held", "sending")
"""States of mails whose end is not known yet."""
OrderState = Literal[
    "intended", "sent", "created", "differs", "unverified", "unknown", "refused", "abandoned"
]
"""Of an order that we draft in Finale; ops.purchase_order_write says what each means."""
IncidentState = Literal["open", "acknowledged", "snoozed", "ordered", "resolved"]
