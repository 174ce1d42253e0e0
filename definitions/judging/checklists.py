"""Why is it (not) an MQL? One record's judgements as a page shows them: judged again, condition by condition."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from definitions.bodies import DEFINITIONS, PIPELINES, DefinitionBody, definition_body, pipeline_body
from definitions.criteria import Criterion, Facts
from definitions.evidence import paper
from definitions.evidence.exceptions import OPEN, Waiver
from definitions.evidence.paper import SENTENCES
from definitions.evidence.visibility import may_see_doubts
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.facts import load_facts
from definitions.judging.judge import PASSING, parts_of, state_of, truth_of
from definitions.models import Judgement, JudgementState, Version
from records.journey_data import Batch
from records.loading import load_batch
from records.models import Record
from teams.models import Person

FactsOf = Callable[[Record], Facts]


@dataclass(frozen=True)
class Condition:
    """One condition with what was seen. ``field``: a field of the record, or the name of a list (activities,
    related.deals, events, stages); then ``seen`` is how many count. ``seen`` None: empty when judged missing, else
    unknown. ``doubts``: why its text may be filler."""

    path: str
    text: str
    state: str
    field: str
    seen: Any
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckPart:
    """What the criterion asks for. With several ``conditions``, the text says how they go together."""

    text: str
    state: str
    conditions: tuple[Condition, ...]

    @property
    def is_choice(self) -> bool:
        return len(self.conditions) > 1

    @property
    def doubts(self) -> list[str]:
        """In order, each once."""
        return list(dict.fromkeys(doubt for one in self.conditions for doubt in one.doubts))


@dataclass(frozen=True)
class Excluded:
    """The exclusion that holds, whatever else is true, and the conditions that make it so."""

    name: str
    text: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Check:
    """One judgement of a record. ``sentence``: "Not an MQL: 1 of 2 conditions missing.".

    ``variant``: name of the one it was judged by, '' where there are none. ``waiver``: the exception in force;
    ``asked``: one that waits for a decision. ``exempt``: why its exit criteria are not asked at all, ''."""

    section: str
    key: str
    name: str
    state: str
    sentence: str
    version: Version
    parts: tuple[CheckPart, ...]
    variant: str = ""
    variant_text: str = ""
    excluded: Excluded | None = None
    exclusions: int = 0
    waiver: Waiver | None = None
    asked: Waiver | None = None
    exempt: str = ""
    play: str = ""

    @property
    def is_passed(self) -> bool:
        return self.state in PASSING

    @property
    def may_be_excepted(self) -> bool:
        """Whether an exception from it makes sense: something is missing, nothing excludes, none is asked for."""
        return self.state == JudgementState.MISSING and self.excluded is None and self.asked is None


def checklist(
    record: Record, now: datetime, model: TypedModel | None = None, viewer: Person | None = None
) -> list[Check]:
    """The current judgements of a record in the model's order: its definitions, then exit criteria."""
    return checklists([record.pk], now, model, viewer).get(record.pk, [])


def checklists(
    record_ids: Sequence[uuid.UUID],
    now: datetime,
    model: TypedModel | None = None,
    viewer: Person | None = None,
    waivers: Iterable[Waiver] = (),
) -> dict[uuid.UUID, list[Check]]:
    """The same for several records, in as many queries; a record without judgements is not in it.

    ``viewer`` None may not read that something may be filler. ``waivers``: the records' exceptions."""
    typed = model or load_typed_model()
    rows = list(
        Judgement.objects.filter(record_id__in=list(record_ids)).select_related("version", "record__owner")
    )
    batch = load_batch({row.record.journey_id for row in rows if row.record.journey_id}, now)
    return checks_of(rows, typed, now, viewer=viewer, waivers=waivers, facts=facts_of(batch, typed))


def facts_of(batch: Batch, typed: TypedModel) -> FactsOf:
    """What is known of each record of a batch; of others, what stands in themselves. Five queries at most."""
    found = load_facts(batch, typed)
    known = {record.id: record for journey in batch.journeys.values() for record in journey.records}

    def facts(row: Record) -> Facts:
        return found.now(known[row.pk]) if row.pk in known else Facts(row.values)

    return facts


def checks_of(
    rows: Iterable[Judgement],
    typed: TypedModel,
    now: datetime,
    *,
    viewer: Person | None = None,
    waivers: Iterable[Waiver] = (),
    facts: FactsOf | None = None,
) -> dict[uuid.UUID, list[Check]]:
    """record id -> its checks, of judgements with their ``version`` and ``record`` with its ``owner``. No query.

    ``facts`` None: only what stands in the record itself; conditions on anything else can't be told then."""
    short = {s.definition: s.short for s in typed.stages(now) if s.definition}
    order = list(short)
    of_check: dict[tuple[uuid.UUID, str, str], list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        of_check[waiver.record_id, waiver.section, waiver.key].append(waiver)
    found: dict[uuid.UUID, list[Check]] = defaultdict(list)
    known: dict[uuid.UUID, Facts] = {}
    for row in rows:
        if row.record_id not in known:
            known[row.record_id] = facts(row.record) if facts else Facts(row.record.values)
        look = _Look(
            row=row,
            typed=typed,
            noun=short.get(row.key, "") if row.section == DEFINITIONS else "",
            facts=known[row.record_id],
            now=now,
            sees_doubts=viewer is not None and may_see_doubts(viewer, row.record.owner),
            waivers=of_check[row.record_id, row.section, row.key],
        )
        found[row.record_id].append(look.check())
    for checks in found.values():
        checks.sort(
            key=lambda c: (
                c.section != DEFINITIONS,
                order.index(c.key) if c.key in order else len(order),
                c.section,
                c.key,
            )
        )
    return dict(found)


@dataclass(frozen=True)
class _Look:
    """One judgement being looked at."""

    row: Judgement
    typed: TypedModel
    noun: str
    facts: Facts
    now: datetime
    sees_doubts: bool
    waivers: Sequence[Waiver]

    def check(self) -> Check:
        return self._of_exit() if self.row.section == PIPELINES else self._of_definition()

    @property
    def state(self) -> str:
        """As the viewer may read it."""
        is_doubt = self.row.state == JudgementState.ON_PAPER
        return "met" if is_doubt and not self.sees_doubts else self.row.state

    def _of_exit(self) -> Check:
        key, _, stage_key = self.row.key.partition("/")
        body = pipeline_body(key, self.row.version.body, self.typed.catalogue)
        stage = next((s for s in body.stages if s.key == stage_key), None)
        parts = self._parts(stage.exit_criterion if stage else None)
        name = stage.name if stage else self.row.key
        exempt = ""
        if self.state == "waived" and self._waiver() is None and body.exempt_below:
            below = body.exempt_below
            money = f"{below.value} {below.currency}".strip()
            exempt = f"Deals below {money} needn't meet the exit criteria."
        return self._made(name, parts, _exit_sentence(self.state, name, parts, exempt), exempt=exempt)

    def _of_definition(self) -> Check:
        body = definition_body(self.row.key, self.row.version.body, self.typed.catalogue)
        noun = self.noun or body.name
        exclusion = next((e for e in body.exclusions if e.key == self.row.exclusion), None)
        if exclusion is not None:
            excluded = Excluded(exclusion.name, exclusion.text, self._holding(exclusion.criterion))
            sentence = " ".join(filter(None, [f"Excluded: {exclusion.name}.", exclusion.text]))
            return self._made(
                body.name, (), sentence, excluded=excluded, exclusions=len(body.exclusions), play=body.play
            )
        variant = next((v for v in body.variants if v.key == self.row.variant), None)
        if body.variants and variant is None:
            parts: tuple[CheckPart, ...] = (CheckPart("Which variant counts", "unknown", ()),)
        else:
            parts = self._parts(variant.criterion if variant else body.criterion)
        parts = (*self._open_exclusions(body), *parts)
        is_doubted = self.state == "met" and any(part.state == "on_paper" for part in parts)
        state = "on_paper" if is_doubted else self.state
        return self._made(
            body.name,
            parts,
            _definition_sentence(state, noun, parts),
            state=state,
            variant=variant.name if variant else "",
            variant_text=variant.when.to_english() if variant and variant.when else "",
            exclusions=len(body.exclusions),
            play=body.play,
        )

    def _made(
        self, name: str, parts: tuple[CheckPart, ...], sentence: str, state: str = "", **more: Any
    ) -> Check:
        asked = next((w for w in self.waivers if w.state == OPEN), None)
        return Check(
            section=self.row.section, key=self.row.key, name=name, state=state or self.state, sentence=sentence,
            version=self.row.version, parts=parts, waiver=self._waiver(), asked=asked, **more,
        )  # fmt: skip

    def _waiver(self) -> Waiver | None:
        in_force = [w for w in self.waivers if w.is_in_force(self.now)]
        return max(in_force, key=lambda w: w.until, default=None)

    def _open_exclusions(self, body: DefinitionBody) -> list[CheckPart]:
        """Exclusions of which nobody can tell whether they hold."""
        found = []
        for exclusion in body.exclusions:
            if exclusion.criterion is None:
                continue
            leaves = exclusion.criterion.evaluate(self.facts, self.now).leaves
            if truth_of(exclusion.criterion, {leaf.path: leaf.truth for leaf in leaves}) is None:
                conditions = tuple(
                    Condition(leaf.path, leaf.text, state_of(leaf.truth), leaf.field, leaf.value)
                    for leaf in leaves
                )
                found.append(CheckPart(f"not excluded as “{exclusion.name}”", "unknown", conditions))
        return found

    def _holding(self, criterion: Criterion | None) -> tuple[Condition, ...]:
        if criterion is None:
            return ()
        deciding = criterion.evaluate(self.facts, self.now).deciding
        return tuple(
            Condition(leaf.path, leaf.text, state_of(leaf.truth), leaf.field, leaf.value) for leaf in deciding
        )

    def _parts(self, criterion: Criterion | None) -> tuple[CheckPart, ...]:
        if criterion is None:
            return (CheckPart("The definition can't be judged now", "unknown", ()),)
        evaluation = criterion.evaluate(self.facts, self.now)
        leaves = {leaf.path: leaf for leaf in evaluation.leaves}
        doubts: dict[str, list[str]] = defaultdict(list)
        if self.sees_doubts:
            # Of definitions nothing is kept: who owns the record is told all the same, as far as the text itself says.
            live = () if self.row.section == PIPELINES else paper.of(criterion, evaluation)
            for told in (*self.row.paper, *(one.plain() for one in live)):
                doubts[str(told["path"])].append(str(told.get("text") or SENTENCES.get(told["reason"], "")))
        found = []
        for part in parts_of(criterion, {path: leaf.truth for path, leaf in leaves.items()}):
            conditions = tuple(
                Condition(
                    path,
                    leaf.text,
                    state_of(leaf.truth),
                    leaf.field,
                    leaf.value,
                    tuple(doubts[path]) if path in doubts else (),
                )
                for path in part.leaves
                if (leaf := leaves.get(path))
            )
            is_doubted = part.truth is True and any(c.doubts for c in conditions)
            found.append(CheckPart(part.text, "on_paper" if is_doubted else state_of(part.truth), conditions))
        return tuple(found)


def _exit_sentence(state: str, noun: str, parts: Sequence[CheckPart], exempt: str) -> str:
    count = _Counted(parts)
    match state:
        case "met":
            return f"Ready to leave {noun}: {count.all_met}"
        case "on_paper":
            return f"Ready to leave {noun} on paper: {count.of('on_paper')} may be filler."
        case "missing":
            return f"Not ready to leave {noun}: {count.of('missing')} missing."
        case "waived":
            return f"May leave {noun}: {exempt}" if exempt else f"May leave {noun} by exception."
    return f"Can't tell ({noun}): {count.of('unknown')} can't be read."


def _definition_sentence(state: str, noun: str, parts: Sequence[CheckPart]) -> str:
    count, article = _Counted(parts), _article(noun)
    match state:
        case "met":
            return f"{article} {noun}: {count.all_met}"
        case "on_paper":
            return f"{article} {noun} on paper: {count.of('on_paper')} may be filler."
        case "missing":
            return f"Not {article.lower()} {noun}: {count.of('missing')} missing."
        case "waived":
            return f"{article} {noun} by exception: {count.of('missing')} missing."
    return f"Can't tell ({noun}): {count.of('unknown')} can't be read."


@dataclass(frozen=True)
class _Counted:
    parts: Sequence[CheckPart]

    @property
    def all_met(self) -> str:
        total = len(self.parts)
        return "the condition is met." if total == 1 else f"all {total} conditions are met."

    def of(self, state: str) -> str:
        """ "1 of 3 conditions"."""
        total = len(self.parts)
        number = sum(part.state == state for part in self.parts)
        return f"{number} of {total} {'condition' if total == 1 else 'conditions'}"


def _article(noun: str) -> str:
    """ "An MQL", "A Lead": an abbreviation goes by its letter's sound."""
    first = noun[:1]
    is_abbreviation = noun.isupper() and len(noun) > 1
    return "An" if first in ("AEFHILMNORSX" if is_abbreviation else "AEIOUaeiou") else "A"
