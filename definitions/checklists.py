"""Why is it (not) an MQL? One record's judgements as a page shows them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from definitions.bodies import DEFINITIONS, PIPELINES, definition_body, pipeline_body
from definitions.criteria import Criterion, Facts
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging import parts_of, state_of
from definitions.models import Judgement, Version
from records.models import Record


@dataclass(frozen=True)
class Condition:
    """One condition with the value seen. ``seen`` None: empty when it was judged missing, else unknown."""

    text: str
    state: str
    field: str
    seen: Any


@dataclass(frozen=True)
class CheckPart:
    """What the criterion asks for. With several ``conditions``, the text says how they go together."""

    text: str
    state: str
    conditions: tuple[Condition, ...]

    @property
    def is_choice(self) -> bool:
        return len(self.conditions) > 1


@dataclass(frozen=True)
class Check:
    """One judgement of a record. ``sentence``: "Not an MQL: 1 of 2 conditions missing."."""

    section: str
    key: str
    name: str
    state: str
    sentence: str
    version: Version
    parts: tuple[CheckPart, ...]


def checklist(record: Record, now: datetime, model: TypedModel | None = None) -> list[Check]:
    """The current judgements of a record in the model's order: its definitions, then exit criteria. Three queries,
    one when the model is at hand."""
    return checklists([record.pk], now, model).get(record.pk, [])


def checklists(
    record_ids: Sequence[uuid.UUID], now: datetime, model: TypedModel | None = None
) -> dict[uuid.UUID, list[Check]]:
    """The same for several records, in as many queries; a record without judgements is not in it."""
    typed = model or load_typed_model()
    short = {s.definition: s.short for s in typed.stages(now) if s.definition}
    order = list(short)
    found: dict[uuid.UUID, list[Check]] = defaultdict(list)
    rows = Judgement.objects.filter(record_id__in=list(record_ids)).select_related("version", "record")
    for row in rows:
        found[row.record_id].append(_check(row, typed, short, now))
    for checks in found.values():
        checks.sort(
            key=lambda c: (
                c.section != DEFINITIONS,
                order.index(c.key) if c.key in order else len(order),
                c.key,
            )
        )
    return dict(found)


def _check(row: Judgement, typed: TypedModel, short: dict[str, str], now: datetime) -> Check:
    name, criterion = _criterion(row, typed)
    noun = short.get(row.key, name) if row.section == DEFINITIONS else name
    parts = _parts(row, criterion, now)
    return Check(
        section=row.section,
        key=row.key,
        name=name,
        state=row.state,
        sentence=_sentence(row, noun, parts),
        version=row.version,
        parts=parts,
    )


def _criterion(row: Judgement, typed: TypedModel) -> tuple[str, Criterion | None]:
    body = row.version.body
    if row.section == PIPELINES:
        key, _, stage_key = row.key.partition("/")
        pipeline = pipeline_body(key, body, typed.catalogue)
        stage = next((s for s in pipeline.stages if s.key == stage_key), None)
        return (stage.name, stage.exit_criterion) if stage else (row.key, None)
    definition = definition_body(row.key, body, typed.catalogue)
    return definition.name, definition.criterion


def _parts(row: Judgement, criterion: Criterion | None, now: datetime) -> tuple[CheckPart, ...]:
    if criterion is None:
        return (CheckPart("The definition can't be judged now", "unknown", ()),)
    leaves = {leaf.path: leaf for leaf in criterion.evaluate(Facts(row.record.values), now).leaves}
    told = parts_of(criterion, {path: leaf.truth for path, leaf in leaves.items()})
    return tuple(
        CheckPart(
            part.text,
            state_of(part.truth),
            tuple(
                Condition(leaf.text, state_of(leaf.truth), leaf.field, leaf.value)
                for path in part.leaves
                if (leaf := leaves.get(path))
            ),
        )
        for part in told
    )


def _sentence(row: Judgement, noun: str, parts: Sequence[CheckPart]) -> str:
    total = len(parts)
    missing = sum(part.state == "missing" for part in parts)
    unknown = sum(part.state == "unknown" for part in parts)
    things = "condition" if total == 1 else "conditions"
    if row.section == PIPELINES:
        head = {"met": f"Ready to leave {noun}", "missing": f"Not ready to leave {noun}"}
    else:
        head = {"met": f"{_article(noun)} {noun}", "missing": f"Not {_article(noun).lower()} {noun}"}
    if row.state == "met":
        return f"{head['met']}: {'the condition is' if total == 1 else f'all {total} conditions are'} met."
    if row.state == "missing":
        return f"{head['missing']}: {missing} of {total} {things} missing."
    return f"Can't tell ({noun}): {unknown} of {total} {things} can't be read."


def _article(noun: str) -> str:
    """ "An MQL", "A Lead": an abbreviation goes by its letter's sound."""
    first = noun[:1]
    is_abbreviation = noun.isupper() and len(noun) > 1
    return "An" if first in ("AEFHILMNORSX" if is_abbreviation else "AEIOUaeiou") else "A"
