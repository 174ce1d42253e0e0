"""Writing to records in collections: many in one call, each with its own result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from integrations.base import PushResult, Write, push_in_turn
from integrations.legible import Illegible
from integrations.salesforce.errors import push_result
from integrations.salesforce.session import Session

T = TypeVar("T")

PUSH_BATCH = 200  # the most that a collection takes


def push(session: Session, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
    def send(some: Sequence[Write]) -> list[PushResult]:
        body = {
            "allOrNone": False,
            "records": [
                {"attributes": {"type": remote_object}, "id": remote_id, **values}
                for remote_id, values in some
            ],
        }
        answer = session.rest("composite/sobjects", method="PATCH", json=body)
        if not isinstance(answer, list) or len(answer) != len(some):
            raise Illegible("Salesforce answered for another number of records than were sent.")
        if not all(isinstance(item, dict) and isinstance(item.get("success"), bool) for item in answer):
            raise Illegible("Salesforce's answer does not say of each record whether it was written.")
        return [push_result(w[0], item) for w, item in zip(some, answer, strict=True)]

    return push_in_turn(send, chunks(list(writes), PUSH_BATCH))


def chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
