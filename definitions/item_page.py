"""One thing of the model on a page: what it says, whom it concerns, where it holds, what is being written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count

from definitions.agreement import signing as agreement
from definitions.agreement import watching
from definitions.agreement.differences import Difference, Speaker, Tree, in_trees, in_words, is_wording_only
from definitions.agreement.drafts import Line, has_been_overtaken
from definitions.agreement.impact import judges_records
from definitions.agreement.parties import may_edit, required_teams, team_names, who_signs
from definitions.agreement.speaking import speaker
from definitions.bodies import (
    DEFINITIONS,
    PIPELINES,
    DefinitionBody,
    definition_body,
    definition_sentence,
    pipeline_body,
)
from definitions.builder.enforced import Place, places_of
from definitions.files.model_files import faults_of
from definitions.in_force import TypedModel
from definitions.judging.counting import Counts
from definitions.models import Judgement, Objection, Signature, Version
from definitions.sections import Fault
from definitions.triggers.bodies import TRIGGERS
from records.models import Record
from teams.models import Person


@dataclass(frozen=True)
class Part:
    """An exclusion or a variant in words, with the records that fall under it."""

    key: str
    name: str
    when: str
    criteria: str
    text: str
    count: int


@dataclass(frozen=True)
class StagePart:
    """A stage of a pipeline: what helps there, and what must be true to enter and to leave it."""

    key: str
    name: str
    value: str
    guidance: str
    key_fields: str
    may_follow: str
    enter: str
    leave: str
    counts: Counts | None


@dataclass(frozen=True)
class Key:
    """One of the teams that must agree. ``people``: who signs for it; ``is_mine``: the viewer does."""

    team: str
    name: str
    signature: Signature | None
    people: str
    is_mine: bool


@dataclass(frozen=True)
class DraftPart:
    """What is being written: what it changes, what forbids it, who agreed."""

    version: Version
    base: Version | None
    is_wording: bool
    is_new: bool
    differences: tuple[Difference, ...]
    trees: tuple[Tree, ...]
    faults: tuple[Fault, ...]
    keys: tuple[Key, ...]
    my_teams: tuple[Key, ...]
    objections: tuple[Objection, ...]
    overtaken_by: Version | None
    may_edit: bool
    judges_records: bool
    can_be_watched: bool
    is_watched: bool

    @property
    def may_ask(self) -> bool:
        has_change = self.is_new or bool(self.differences)
        return self.may_edit and not self.faults and self.overtaken_by is None and has_change

    @property
    def same_trees(self) -> tuple[Tree, ...]:
        return tuple(tree for tree in self.trees if tree.is_same)

    @property
    def mine_to_sign(self) -> tuple[Key, ...]:
        return tuple(key for key in self.keys if key.is_mine and key.signature is None)


def load_draft(line: Line, version: Version, viewer: Person, typed: TypedModel, now: datetime) -> DraftPart:
    base: Version | None = version.based_on
    speak = speaker(typed.catalogue, team_names())
    signed = {s.team.key: s for s in version.signatures.all()}
    wording = is_wording_only(base.body if base else None, version.body)
    # What was asked is kept; what is not asked yet follows from the change.
    if version.state == Version.State.DRAFT:
        version.needs_agreement = not wording
    required = required_teams(version)
    signing = who_signs(required, now)
    names = team_names(required)
    keys = tuple(
        Key(
            team,
            names.get(team, team),
            signed.get(team),
            " or ".join(p.name for p in signing[team]),
            viewer in signing[team],
        )
        for team in required
    )
    return DraftPart(
        version=version,
        base=base,
        is_wording=wording,
        is_new=base is None,
        differences=() if base is None else tuple(in_words(base.body, version.body, speak)),
        trees=tuple(in_trees(base.body if base else None, version.body, speak)),
        faults=tuple(faults_of(version.section, version.key, version.body, now)),
        keys=keys,
        my_teams=tuple(key for key in keys if key.is_mine),
        objections=tuple(agreement.open_objections(version)),
        overtaken_by=line.latest if has_been_overtaken(version, line.latest) else None,
        may_edit=may_edit_line(viewer, line, now),
        judges_records=judges_records(version.section),
        can_be_watched=watching.can_be_watched(version.section),
        is_watched=version.watch_until is not None and version.watch_until > now,
    )


def may_edit_line(viewer: Person, line: Line, now: datetime) -> bool:
    bodies = [v.body for v in (line.latest, line.draft) if v is not None]
    return viewer.is_admin or bool(bodies and may_edit(viewer, bodies, now))


# --- what it says ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What a body says beyond its sentence, as far as it has it."""

    exclusions: tuple[Part, ...] = ()
    variants: tuple[Part, ...] = ()
    stages: tuple[StagePart, ...] = ()
    facts: tuple[Mapping[str, Any], ...] = ()
    places: tuple[Place, ...] = ()
    lead: str = ""


def load_parts(
    version: Version, typed: TypedModel, viewer: Person, counts: Mapping[tuple[str, str], Counts]
) -> Parts:
    if version.section in {DEFINITIONS, TRIGGERS}:
        definition = definition_body(version.key, version.body, typed.catalogue)
        excluded, variants = _count_parts(version, viewer)
        return Parts(
            exclusions=tuple(
                Part(e.key, e.name, _said(e.criterion, e.broken), "", e.text, excluded.get(e.key, 0))
                for e in definition.exclusions
            ),
            variants=tuple(
                Part(
                    v.key, v.name, _said(v.when, "") if v.when else "", _said(v.criterion, v.broken), "",
                    variants.get(v.key, 0),
                )
                for v in definition.variants
            ),
            places=tuple(places_of([(definition.name, definition.whole)], definition.object, definition.connections)),
            lead=_lead(definition, version.section),
        )  # fmt: skip
    if version.section == PIPELINES:
        return _pipeline_parts(version, typed, counts)
    return Parts()


def _pipeline_parts(version: Version, typed: TypedModel, counts: Mapping[tuple[str, str], Counts]) -> Parts:
    pipeline = pipeline_body(version.key, version.body, typed.catalogue)
    fields = typed.catalogue.objects.get(pipeline.object, {})
    names = {stage.key: stage.name for stage in pipeline.stages}
    stages = tuple(
        StagePart(
            key=f"{version.key}/{stage.key}",
            name=stage.name,
            value=stage.value,
            guidance=stage.guidance,
            key_fields=", ".join(fields[f].label if f in fields else f for f in stage.key_fields),
            may_follow=", ".join(names.get(key, key) for key in stage.may_follow),
            enter=_said(stage.entry_criterion, stage.entry_broken),
            leave=_said(stage.exit_criterion, stage.broken),
            counts=counts.get((PIPELINES, f"{version.key}/{stage.key}"), Counts())
            if stage.exit_criterion
            else None,
        )
        for stage in pipeline.stages
    )
    exits = [(stage.name, stage.exit_criterion) for stage in pipeline.stages if stage.exit_criterion]
    return Parts(stages=stages, places=tuple(places_of(exits, pipeline.object, (pipeline.connection,))))


def _lead(definition: DefinitionBody, section: str) -> str:
    """The sentence without the exclusions, which stand below it as a list."""
    if not definition.exclusions or section != DEFINITIONS:
        return ""
    return definition_sentence(replace(definition, exclusions=()))


def _said(criterion: Any, broken: str) -> str:
    return criterion.to_english() if criterion is not None else broken


def _count_parts(version: Version, viewer: Person) -> tuple[dict[str, int], dict[str, int]]:
    """Records by exclusion, and records that pass by variant. Two queries."""
    inside = Record.objects.for_person(viewer).present()
    rows = Judgement.objects.filter(section=version.section, key=version.key, record__in=inside).order_by()
    excluded = rows.exclude(exclusion="").values_list("exclusion").annotate(number=Count("pk"))
    passed = (
        rows.filter(state__in=["met", "on_paper", "waived"])
        .exclude(variant="")
        .values_list("variant")
        .annotate(number=Count("pk"))
    )
    return dict(excluded), dict(passed)


# --- its versions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VersionRow:
    version: Version
    standing: str
    severity: str
    signatures: tuple[Signature, ...]
    objections: tuple[Objection, ...]
    changes: tuple[str, ...]
    is_in_force: bool
    can_come_back: bool


def version_rows(line: Line, in_force: Version | None, now: datetime, speak: Speaker) -> Sequence[VersionRow]:
    """Newest first; each with what it changed against the one it followed."""
    by_pk = {v.pk: v for v in line.versions}
    rows = []
    for i, version in enumerate(line.versions):
        older = by_pk.get(version.based_on_id or 0) or next(iter(line.versions[i + 1 :]), None)
        changes = in_words(older.body, version.body, speak) if older else []
        is_in_force = in_force is not None and version.pk == in_force.pk
        standing, severity = standing_of(version, in_force, now)
        rows.append(
            VersionRow(
                version, standing, severity, tuple(version.signatures.all()), tuple(version.objections.all()),
                tuple(str(c) for c in changes[:4]) + ((f"and {len(changes) - 4} more",) if len(changes) > 4 else ()),
                is_in_force,
                version.effective_from is not None
                and not is_in_force
                and (line.latest is None or line.latest.body != version.body),
            )
        )  # fmt: skip
    return rows


def standing_of(version: Version, in_force: Version | None, now: datetime) -> tuple[str, str]:
    """What a page says of a version, and its severity."""
    if in_force is not None and version.pk == in_force.pk:
        return "In force", "ok"
    if version.state == Version.State.DRAFT:
        return "Draft", "info"
    if version.state == Version.State.PROPOSED:
        return "Waiting for agreement", "soon"
    is_withdrawn = version.effective_from is None or (
        version.retired_at is not None and version.retired_at <= version.effective_from
    )
    if is_withdrawn:
        return "Withdrawn", "neutral"
    if version.effective_from is not None and version.effective_from > now:
        return "Agreed, begins later", "info"
    if version.retired_at is not None and version.retired_at <= now:
        return "Retired", "neutral"
    return "Replaced", "neutral"
