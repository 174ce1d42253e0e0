"""One poisoned record never blocks the others, where an API refuses a batch as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.base import Connector, PushResult, Write, push_in_turn
from integrations.errors import Rejected


def push_parts(connector: Connector, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
    """One result per record. A batch that the CRM refuses as a whole, without saying whose fault it is, is halved until
    the record is alone, so that it never blocks the others."""
    if not writes:
        return []
    try:
        return list(connector.push(remote_object, writes))
    except Rejected as error:
        known = {result.remote_id for result in error.answered}
        left = [write for write in writes if write[0] not in known]
        if len(left) == 1:
            return [*error.answered, PushResult(left[0][0], "refused", str(error), error.code)]
        half = len(left) // 2
        return push_in_turn(
            lambda some: push_parts(connector, remote_object, some),
            (left[:half], left[half:]),
            error.answered,
        )
