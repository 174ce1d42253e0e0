"""Who is told that a clock runs out or is late, and what is done about it: once each, through the outbox, never for
history."""

from slas.escalation.taking import StepsOfBatch
from slas.escalation.telling import effect_key
from slas.escalation.waking import due_steps, next_due

__all__ = ["StepsOfBatch", "due_steps", "effect_key", "next_due"]
