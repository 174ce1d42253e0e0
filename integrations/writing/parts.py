"""One poisoned record never blocks the others, where an API refuses a batch as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.base import Connector, PushResult, Write
from integrations.errors import Rejected


def push_parts(connector: Connector, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
    """One result per record. A batch that the CRM refuses as a whole, without saying whose fault it is, is halved until
    the record is alone, so that it never blocks the others."""
    if not writes:
        return []
    try:
        return list(connector.push(remote_object, writes))
    except Rejected as error:
        if len(writes) == 1:
            return [PushResult(writes[0][0], "refused", str(error), error.code)]
        half = len(writes) // 2
        return push_parts(connector, remote_object, writes[:half]) + push_parts(
            connector, remote_object, writes[half:]
        )
