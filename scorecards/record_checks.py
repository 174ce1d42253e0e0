"""Why is it (not) an MQL? The checks of a buyer's records with the values seen, and what people may do about them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from definitions.bodies import DEFINITIONS, PIPELINES, StageBody
from definitions.criteria import Catalogue
from definitions.evidence import exceptions
from definitions.evidence.exception_acts import may_ask
from definitions.evidence.exceptions import Waiver
from definitions.judging.checklists import Check, CheckPart, Condition
from records.kinds import CHANGE
from records.models import Event, Record
from scorecards.record_values import (
    NOT_CONNECTED,
    Seen,
    day_words,
    is_list,
    label_of,
    moment_of,
    options_of,
    seen_words,
)
from teams.models import Person


@dataclass(frozen=True)
class Told:
    """What the log says beside the values: exceptions, and the last change of each field."""

    waivers: tuple[Waiver, ...]
    changes: Mapping[tuple[uuid.UUID, str], Event]
    names: Mapping[int, str]


@dataclass(frozen=True)
class PartLine:
    """A condition, or a choice of several, with what was seen."""

    text: str
    state: str
    is_choice: bool
    seen_words: tuple[Seen, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckSection:
    """A check of one member. ``may_ask``: the viewer may ask for an exception from it."""

    check: Check
    member: Record
    parts: tuple[PartLine, ...]
    is_of_stage: bool
    excluded_by: tuple[PartLine, ...] = ()
    may_ask: bool = False
    waiver_words: str = ""
    asked_words: str = ""

    @property
    def heading(self) -> str:
        """The sentence where it is about a stage; a definition beside the stages goes by its name."""
        return self.check.sentence if self.is_of_stage else self.check.name

    @property
    def crm(self) -> str:
        return self.member.connection.label

    @property
    def noun(self) -> str:
        return noun_of(self.member)

    @property
    def definition_key(self) -> str:
        """Exit criteria stand on the page of their pipeline."""
        return self.check.key.partition("/")[0]

    @property
    def anchor(self) -> str:
        return f"{self.check.section}-{self.check.key.replace('/', '-')}-{self.member.pk.hex[:8]}"


def read_log(members: Sequence[Record], log: Sequence[Event]) -> Told:
    """``log``: all events of the members (others are left out), oldest first, with their actor."""
    ids = {row.pk for row in members}
    inside = [e for e in log if e.record_id in ids]
    acts = [e for e in inside if e.kind in exceptions.NAMES]
    return Told(
        tuple(exceptions.fold((e.kind, e.record_id, e.actor_id, e.occurred_at, e.data) for e in acts)),
        {(e.record_id, e.field): e for e in inside if e.kind == CHANGE},
        {e.actor_id: e.actor.name for e in acts if e.actor_id and e.actor},
    )


def sections_of(
    members: Sequence[Record],
    checks: Mapping[uuid.UUID, Sequence[Check]],
    told: Told,
    catalogue: Catalogue,
    stages: Sequence[StageBody],
    viewer: Person,
    now: datetime,
    here: frozenset[tuple[uuid.UUID, str]],
) -> list[CheckSection]:
    """In the model's order, exit criteria of the stage a deal is in first of all that is beside the stages.

    ``here``: (record, "pipeline/stage") where each deal is now; what it left is told by its passages."""
    named = {s.definition for s in stages if s.definition}
    found = []
    for member in members:
        for check in checks.get(member.pk, []):
            if check.section == PIPELINES and (member.pk, check.key) not in here:
                continue
            lines = _Lines(member, told, catalogue)
            excluded = check.excluded
            found.append(
                CheckSection(
                    check=check,
                    member=member,
                    parts=tuple(lines.part(part) for part in check.parts),
                    is_of_stage=check.section == PIPELINES or check.key in named,
                    excluded_by=tuple(lines.holding(c) for c in excluded.conditions) if excluded else (),
                    may_ask=check.may_be_excepted and may_ask(viewer, member),
                    waiver_words=_waiver_words(check.waiver, told.names) if check.waiver else "",
                    asked_words=_asked_words(check.asked, told.names) if check.asked else "",
                )
            )
    order = [s.definition for s in stages if s.definition]
    found.sort(
        key=lambda s: (
            s.check.section != DEFINITIONS,
            order.index(s.check.key) if s.check.key in order else len(order),
            s.check.key,
        )
    )
    return found


def sentence_of(sections: Sequence[CheckSection], object_name: str) -> str:
    """Of a deal: its exit criteria. Else the first check of a stage that isn't passed; when all are, the last one's."""
    if object_name == "deal":
        exits = [s.check.sentence for s in sections if s.check.section == PIPELINES]
        if exits:
            return exits[0]
    of_stages = [s.check for s in sections if s.check.section == DEFINITIONS and s.is_of_stage]
    if of_stages:
        return next((c for c in of_stages if not c.is_passed), of_stages[-1]).sentence
    return sections[0].heading if sections else ""


def noun_of(row: Record) -> str:
    """ "contact", "lead", "opportunity": the CRM's own word."""
    name = row.remote_object.lower()
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


def seen_of(
    member: Record, name: str, value: object, told: Told, catalogue: Catalogue, label: str = ""
) -> Seen:
    """A field's value with its source. A field that the record doesn't have is not connected."""
    label = label or label_of(catalogue, member.object, name)
    event = told.changes.get((member.pk, name))
    who = event.actor.name if event and event.actor else "gtmops" if event and event.caused_by else ""
    return Seen(
        label,
        seen_words(value, options_of(catalogue, member.object, name))
        if name in member.values
        else NOT_CONNECTED,
        moment_of(value) if isinstance(value, str) and "T" in value else None,
        source=member.connection.label,
        since=event.occurred_at if event else None,
        who=who,
    )


@dataclass(frozen=True)
class _Lines:
    member: Record
    told: Told
    catalogue: Catalogue

    def part(self, part: CheckPart) -> PartLine:
        return PartLine(
            part.text,
            part.state,
            part.is_choice,
            tuple(self._seen(c) for c in part.conditions),
            tuple(part.doubts),
        )

    def holding(self, condition: Condition) -> PartLine:
        return PartLine(condition.text, condition.state, False, (self._seen(condition),))

    def _seen(self, condition: Condition) -> Seen:
        label = label_of(self.catalogue, self.member.object, condition.field)
        if not is_list(condition.field):
            return seen_of(self.member, condition.field, condition.seen, self.told, self.catalogue, label)
        if condition.seen is None:
            return Seen(label, NOT_CONNECTED if condition.state == "unknown" else "none found")
        words = f"{condition.seen} found" if condition.seen else "none found"
        return Seen(label, words if isinstance(condition.seen, int) else seen_words(condition.seen))


def _waiver_words(waiver: Waiver, names: Mapping[int, str]) -> str:
    by = names.get(waiver.decided_by or 0, "somebody who left")
    return f"Exception until {day_words(waiver.until)}, granted by {by}: “{waiver.reason}”"


def _asked_words(waiver: Waiver, names: Mapping[int, str]) -> str:
    by = names.get(waiver.requested_by or 0, "Somebody who left")
    return f"{by} asked for an exception until {day_words(waiver.until)}: “{waiver.reason}”. It waits for a decision."
