"""From the acts of people to the appeals that stand (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from records.journey_data import EventData
from slas.appeals.kinds import GRANTED, NAMES, OPENED, REFUSED

OPEN, GRANT, REFUSAL, TAKEN_BACK = "open", "granted", "refused", "withdrawn"


@dataclass(frozen=True)
class Act:
    """One event of an appeal. ``key`` is the event's; ``source_order`` and it break ties, as for all events."""

    kind: str
    at: datetime
    key: str
    actor_id: int | None
    data: Mapping[str, Any]
    source_order: int = 0

    @property
    def order(self) -> tuple[datetime, int, bool, str]:
        """What the data proves is granted in the instant in which it was said."""
        return (self.at, self.source_order, self.kind != OPENED, self.key)


@dataclass(frozen=True)
class AppealData:
    """One appeal as it stands. ``team``: key of the team whose manager decides; empty: RevOps does."""

    id: uuid.UUID
    clock: uuid.UUID
    person_id: int | None
    team: str
    reason: str
    note: str
    opened_by: int | None
    opened_at: datetime
    state: str = OPEN
    decided_by: int | None = None
    decided_at: datetime | None = None
    because: str = ""
    was_proved: bool = False

    @property
    def stands(self) -> bool:
        """Open or granted: the same person needs no other one for this clock."""
        return self.state in (OPEN, GRANT)


def act_of(event: EventData) -> Act:
    return Act(event.kind, event.occurred_at, event.key, event.actor_id, event.data, event.source_order)


def fold_appeals(acts: Iterable[Act]) -> list[AppealData]:
    """Every appeal, oldest first, whatever the order the acts come in; one told twice counts once.

    What is malformed, comes too late, or decides in one's own matter counts for nothing."""
    found: dict[uuid.UUID, AppealData] = {}
    for act in sorted({a.key: a for a in acts if a.kind in NAMES}.values(), key=lambda a: a.order):
        name = _id(act.data.get("appeal"))
        if name is None:
            continue
        if act.kind == OPENED:
            said = _opened(name, act)
            if said and name not in found and not _has_one(found.values(), said):
                found[name] = said
        elif name in found:
            found[name] = _after(found[name], act)
    return list(found.values())


def _has_one(appeals: Iterable[AppealData], said: AppealData) -> bool:
    return any((a.clock, a.person_id) == (said.clock, said.person_id) and a.stands for a in appeals)


def _opened(name: uuid.UUID, act: Act) -> AppealData | None:
    data, clock = act.data, _id(act.data.get("clock"))
    person = data.get("person")
    if clock is None or not data.get("reason") or not isinstance(person, int | None):
        return None
    return AppealData(
        id=name, clock=clock, person_id=person, team=str(data.get("team") or ""), reason=str(data["reason"]),
        note=str(data.get("note") or ""), opened_by=act.actor_id, opened_at=act.at,
    )  # fmt: skip


def _after(appeal: AppealData, act: Act) -> AppealData:
    if appeal.state != OPEN:
        return appeal
    own = (appeal.opened_by, appeal.person_id)
    because = str(act.data.get("because") or "")
    if act.kind in (GRANTED, REFUSED):
        # Of whoever was erased since, no actor is left; what they decided stands.
        if act.actor_id is not None and act.actor_id in own:
            return appeal
        is_proved = act.kind == GRANTED and act.actor_id is None and act.data.get("proved") is True
        return replace(
            appeal, state=GRANT if act.kind == GRANTED else REFUSAL, decided_by=act.actor_id, decided_at=act.at,
            because=because, was_proved=is_proved,
        )  # fmt: skip
    if act.actor_id is not None and act.actor_id not in own:
        return appeal
    return replace(appeal, state=TAKEN_BACK, decided_at=act.at)


def _id(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
