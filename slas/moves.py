"""Why a due time was moved: what was learned at that instant (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from slas.evidence import Holding
from slas.hands import Pause
from slas.staff import Staff

Kind = Literal["owner", "nobody", "away", "not_away", "paused", "resumed", "hours"]


@dataclass(frozen=True, slots=True)
class Cause:
    """``person_id`` and ``name``: who got it, or is away; ``because``: the condition of a pause.

    ``begin`` and ``end`` of the absence."""

    kind: Kind
    person_id: int | None = None
    name: str = ""
    because: str = ""
    begin: datetime | None = None
    end: datetime | None = None


def causes_at(at: datetime, owned: Sequence[Holding], staff: Staff, pauses: Sequence[Pause]) -> list[Cause]:
    """What was learned at ``at``; new working hours where it was nothing else."""
    found = [*_owners(at, owned), *_absences(at, owned, staff), *_pauses(at, pauses)]
    return found or [Cause("hours")]


def _owners(at: datetime, owned: Sequence[Holding]) -> Iterator[Cause]:
    for held in owned:
        if held.learned_at == at:
            yield Cause("owner" if held.person_id is not None else "nobody", held.person_id, held.name)


def _absences(at: datetime, owned: Sequence[Holding], staff: Staff) -> Iterator[Cause]:
    people = dict.fromkeys(h.person_id for h in owned if h.person_id is not None)
    for person in people:
        for away in staff.away.get(person, ()):
            told = {away.entered_at: "away", away.withdrawn_at: "not_away"}.get(at)
            if told == "away":
                yield Cause("away", person, staff.names.get(person, ""), "", away.begin, away.end)
            elif told:
                yield Cause("not_away", person, staff.names.get(person, ""), "", away.begin, away.end)


def _pauses(at: datetime, pauses: Sequence[Pause]) -> Iterator[Cause]:
    for pause in pauses:
        if pause.learned_at == at:
            yield Cause("paused", because=pause.because)
        if pause.end_learned_at == at:
            yield Cause("resumed", because=pause.because)
