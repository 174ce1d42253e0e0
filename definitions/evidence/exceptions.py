"""Exceptions: who may go on without meeting a check, why, until when. From events to what stands. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from records.canonical import Unreadable, instant
from records.journey_data import EventData
from records.kinds import EventKind

REQUESTED = "exception.requested"
GRANTED = "exception.granted"
REFUSED = "exception.refused"
ENDED = "exception.ended"
PASSED = "exception.passed"

KINDS = (
    EventKind(REQUESTED, "{actor} asked for an exception"),
    EventKind(GRANTED, "{actor} granted an exception"),
    EventKind(REFUSED, "{actor} refused an exception"),
    EventKind(ENDED, "{actor} ended an exception early"),
    EventKind(PASSED, "{actor} went on without meeting a check"),
)
NAMES = frozenset(kind.name for kind in KINDS)

OPEN, IN_FORCE, REFUSAL, OVER, WENT_ON = "open", "granted", "refused", "ended", "went_on"


@dataclass(frozen=True)
class Waiver:
    """One request and what became of it.

    ``state``: open, granted, refused or ended (early); one whose ``until`` has passed is granted still, but not
    ``is_in_force``. went_on: nobody was asked, because the model only warned; it waives nothing. ``paths``: the
    conditions that were missing then, for whoever decides."""

    id: str
    record_id: uuid.UUID
    section: str
    key: str
    paths: tuple[str, ...]
    reason: str
    state: str
    requested_by: int | None
    requested_at: datetime
    until: datetime
    decided_by: int | None = None
    decided_at: datetime | None = None
    note: str = ""
    ended_at: datetime | None = None
    ended_by: int | None = None

    def is_in_force(self, at: datetime) -> bool:
        """Granted at or before ``at``, not ended and not expired by then."""
        if self.state not in {IN_FORCE, OVER} or self.decided_at is None:
            return False
        end = self.until if self.ended_at is None else min(self.until, self.ended_at)
        return self.decided_at <= at < end

    def state_at(self, at: datetime) -> str:
        """open, granted, refused, ended, went_on or expired."""
        return "expired" if self.state == IN_FORCE and self.until <= at else self.state


def exceptions_of(events: Iterable[EventData]) -> list[Waiver]:
    """Every exception asked for in ``events``, oldest first. What is malformed counts for nothing."""
    return fold((e.kind, e.record_id, e.actor_id, e.occurred_at, e.data) for e in events)


def fold(acts: Iterable[tuple[str, uuid.UUID, int | None, datetime, Mapping[str, Any]]]) -> list[Waiver]:
    """The same from (kind, record id, actor id, occurred at, data), in the order of events."""
    found: dict[str, Waiver] = {}
    for kind, record_id, actor_id, at, data in acts:
        if kind not in NAMES:
            continue
        name = str(data.get("exception") or "")
        if kind in (REQUESTED, PASSED):
            if name and name not in found and (asked := _asked(name, record_id, actor_id, at, data)):
                found[name] = asked if kind == REQUESTED else replace(asked, state=WENT_ON)
        elif name in found:
            found[name] = _after(found[name], kind, actor_id, at, data)
    return list(found.values())


def standing(events: Iterable[EventData], at: datetime) -> dict[tuple[str, str], Waiver]:
    """(section, key) -> the exception in force at an instant; of several the one that holds longest."""
    found: dict[tuple[str, str], Waiver] = {}
    for one in exceptions_of(e for e in events if e.kind in NAMES and e.occurred_at <= at):
        name = (one.section, one.key)
        if one.is_in_force(at) and (name not in found or found[name].until < one.until):
            found[name] = one
    return found


def waive(
    state: str, recheck_at: datetime | None, exception: Waiver | None, *, exclusion: str = ""
) -> tuple[str, datetime | None]:
    """(state, recheck_at) with the exception counted: what is missing is waived until it expires.

    Nobody is excepted from an exclusion, and what can't be told stays so."""
    if exception is None or state != "missing" or exclusion:
        return state, recheck_at
    end = exception.until
    return "waived", end if recheck_at is None else min(recheck_at, end)


def _asked(
    name: str, record_id: uuid.UUID, actor_id: int | None, at: datetime, data: Mapping[str, Any]
) -> Waiver | None:
    until = _instant(data.get("until"))
    section, key = str(data.get("section") or ""), str(data.get("key") or "")
    if until is None or not section or not key:
        return None
    return Waiver(
        id=name, record_id=record_id, section=section, key=key,
        paths=tuple(str(path) for path in data.get("paths") or ()), reason=str(data.get("reason") or ""),
        state=OPEN, requested_by=actor_id, requested_at=at, until=until,
    )  # fmt: skip


def _after(one: Waiver, kind: str, actor_id: int | None, at: datetime, data: Mapping[str, Any]) -> Waiver:
    note = str(data.get("note") or "")
    if kind == ENDED and one.state == IN_FORCE:
        return replace(one, state=OVER, ended_at=at, ended_by=actor_id)
    if one.state != OPEN:
        return one
    if kind == GRANTED:
        until = _instant(data.get("until")) or one.until
        return replace(one, state=IN_FORCE, decided_by=actor_id, decided_at=at, until=until, note=note)
    if kind == REFUSED:
        return replace(one, state=REFUSAL, decided_by=actor_id, decided_at=at, note=note)
    return one


def _instant(value: Any) -> datetime | None:
    try:
        return instant(value) if value else None
    except Unreadable:
        return None
