"""Writing values: batches of a hundred, one result per record, the answer held against what was sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from integrations.base import UNANSWERED, PushResult, Write, push_in_turn
from integrations.errors import Misconfigured, Rejected
from integrations.hubspot import names
from integrations.hubspot.answers import Row, chunks, records_of
from integrations.hubspot.errors import MissingScope, blamed
from integrations.hubspot.schema import Schema
from integrations.hubspot.session import HubspotSession

PUSH_BATCH = 100
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PASSES = frozenset(
    {"RATE_LIMITS", "RATE_LIMIT", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT", "LOCKED"}
)
"""Categories in the errors of a 207 that say nothing against the record."""


class Writing:
    def __init__(self, session: HubspotSession, schema: Schema) -> None:
        self.session = session
        self.schema = schema

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        return self._push_each(remote_object, chunks(list(writes), PUSH_BATCH))

    def _push_each(self, remote_object: str, parts: Iterable[Sequence[Write]]) -> list[PushResult]:
        return push_in_turn(lambda some: self._push_batch(remote_object, some), parts)

    def _push_batch(self, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
        sent = {i: self._outgoing(remote_object, values) for i, values in writes}
        body = {"inputs": [{"id": i, "properties": p, "objectWriteTraceId": i} for i, p in sent.items()]}
        try:
            answer = self.session.call(self.session.client.crm.objects.batch_api.update, remote_object, body)
        except Rejected as error:
            # One bad value refuses the whole batch without saying whose: halve until it is alone.
            if len(writes) == 1:
                return [PushResult(writes[0][0], "refused", str(error), error.code, error.fields)]
            half = len(writes) // 2
            return self._push_each(remote_object, (writes[:half], writes[half:]))
        except Misconfigured as error:
            if len(writes) > 1 or isinstance(error, MissingScope):
                raise
            return [PushResult(writes[0][0], "refused", str(error))]
        stands = {str(row["id"]): row["properties"] for row in records_of(answer)}
        failed = _failures(answer.get("errors") or [], sent.keys() - stands.keys())
        return [_result(remote_id, sent[remote_id], stands, failed) for remote_id in sent]

    def _outgoing(self, remote_object: str, values: Mapping[str, Any]) -> dict[str, str]:
        found = {name: names.outgoing(value) for name, value in values.items()}
        for name in [n for n, text in found.items() if _DAY.fullmatch(text)]:
            # A day, kept where HubSpot wants a moment: its own pages show midnight UTC as that day.
            known = self.schema.describe(remote_object).get(name)
            found[name] += "T00:00:00Z" if known and known.type == "datetime" else ""
        return found


def _result(
    remote_id: str, sent: Mapping[str, str], stands: Mapping[str, Row], failed: Mapping[str, PushResult]
) -> PushResult:
    if remote_id in failed:
        return failed[remote_id]
    if remote_id not in stands:
        return PushResult(remote_id, "retry", "HubSpot's answer does not mention this record.", UNANSWERED)
    kept = tuple(
        sorted(
            name
            for name, value in sent.items()
            if name in stands[remote_id] and not names.is_same(value, stands[remote_id][name])
        )
    )
    if kept:
        text = f"HubSpot answered 200 but kept its own value of {', '.join(kept)}."
        return PushResult(remote_id, "refused", text, "KEPT_ITS_OWN", kept)
    return PushResult(remote_id, "written")


def _failures(errors: Sequence[Row], unanswered: Collection[str]) -> dict[str, PushResult]:
    """One error entry may stand for many records; one that names none, for all that have no answer."""
    found: dict[str, PushResult] = {}
    for error in errors:
        context = error.get("context") or {}
        named = [str(i) for key in ("ids", "id", "objectWriteTraceId") for i in context.get(key) or []]
        code = str(error.get("category") or error.get("code") or "")
        said = blamed(error)
        text = "; ".join(f"{b.field}: {b.text} ({b.code})" for b in said) or str(error.get("message") or "")
        for remote_id in named or unanswered:
            found[remote_id] = PushResult(
                remote_id,
                "gone" if code == "OBJECT_NOT_FOUND" else "retry" if code in _PASSES else "refused",
                text[:2000],
                said[0].code if said else code,
                tuple(dict.fromkeys(b.field for b in said)),
            )
    return found
