"""What this room concludes of a batch of journeys."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from definitions.bodies import DEFINITIONS, PIPELINES, definition_body, pipeline_body
from definitions.evidence.copies import load_copies
from definitions.evidence.paper import text_fields
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.facts import load_facts
from definitions.judging.judge import InForce, Judged, judge
from definitions.judging.passages import PipelineHistory, Stay, stays
from definitions.judging.stages import Entry, entries
from definitions.models import Judgement, Passage, StageEntry, Version, WatchedJudgement
from definitions.sections import Body
from definitions.triggers.bodies import TRIGGERS
from records.derived import Written, write_derived
from records.journey_data import Batch
from records.standing import standing
from records.stored import Where

JUDGING_LOCK = "judging"
WATCHED = (DEFINITIONS, PIPELINES, TRIGGERS)
"""Sections whose drafts are judged beside what is in force."""


@dataclass(frozen=True)
class Refreshed:
    """Rows written by one refresh."""

    stage_entries: Written[StageEntry]
    judgements: Written[Judgement]
    passages: Written[Passage]
    watched: Written[WatchedJudgement]


def refresh(batch: Batch) -> Refreshed:
    """Conclude a batch anew (stage entries, passages, judgements, what is watched) in a constant number of queries;
    writes differences. Inside a transaction, which a population that is being judged waits for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtext(%s))", [JUDGING_LOCK])
    model = batch.once(load_typed_model)
    stages, definitions = model.stage_histories, model.definition_histories
    pipelines, in_force = model.pipeline_histories, model.in_force(model.moment(batch.now))
    under_watch = _under_watch(model, batch)
    facts = load_facts(batch, model, [body for one in under_watch for body in one.bodies])
    copied = load_copies(batch, _texts_of(pipelines))
    wanted_entries: list[StageEntry] = []
    wanted_passages: list[Passage] = []
    wanted_judgements: list[Judgement] = []
    wanted_watched: list[WatchedJudgement] = []
    for journey in batch.journeys.values():
        wanted_entries += [_entry_row(e, journey.id) for e in entries(journey, stages, definitions, facts)]
        wanted_passages += [_passage_row(s, journey.id) for s in stays(journey, pipelines, facts, copied)]
        judged = judge(journey, in_force, batch.now, facts, copied)
        wanted_judgements += [_judgement_row(j) for j in judged]
        for one in under_watch:
            now_judged = judged if one.base is None else judge(journey, one.base, batch.now, facts, copied)
            watched = judge(journey, one.alone, batch.now, facts, copied)
            wanted_watched += _watched_rows(one.version, now_judged, watched, batch)
    records = [r.id for j in batch.journeys.values() for r in j.records]
    of_journeys = Where("journey_id = ANY (%s)", (list(batch.journeys),))
    written = Refreshed(
        write_derived(
            StageEntry,
            wanted_entries,
            fields=[
                "journey", "record", "stage", "pass_number", "event", "occurred_at", "left_at", "is_exact", "snapshot",
                "definition", "judgement", "variant", "exclusion", "missing", "arrival", "is_allowed",
            ],
            scope=of_journeys,
        ),
        write_derived(
            Judgement,
            wanted_judgements,
            fields=["version", "state", "variant", "exclusion", "paper", "recheck_at"],
            scope=Where("record_id = ANY (%s) AND section = ANY (%s)", (records, [DEFINITIONS, PIPELINES])),
            key=("record_id", "section", "key"),
        ),
        write_derived(
            Passage,
            wanted_passages,
            fields=[
                "journey", "record", "pipeline", "stage", "event", "entered_at", "left_at", "left_event", "left_to",
                "version", "arrival", "is_allowed", "entry_judgement", "exit_judgement", "missing", "paper",
            ],
            scope=of_journeys,
        ),
        write_derived(
            WatchedJudgement,
            wanted_watched,
            fields=["state", "now_state"],
            scope=Q(record__in=records, version__in=[one.version.pk for one in under_watch]),
            key=("version_id", "record_id", "key"),
        ),
    )  # fmt: skip
    batch.stand(StageEntry, written.stage_entries.stands)
    batch.stand(Passage, written.passages.stands)
    return written


def _texts_of(pipelines: Iterable[PipelineHistory]) -> Mapping[str, Set[str]]:
    """object -> the text fields that exit criteria rest on, in any version."""
    found: dict[str, set[str]] = defaultdict(set)
    for pipeline in pipelines:
        for version in pipeline.versions:
            for stage in version.body.stages:
                if stage.exit_criterion is not None:
                    found[version.body.object] |= text_fields(stage.exit_criterion)
    return found


# --- watching --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Watched:
    """``alone``: the version as if nothing else were in force. ``base``: what is, where that is not judged anyway."""

    version: Version
    alone: InForce
    base: InForce | None = None
    bodies: tuple[Body, ...] = ()


@standing("definitions_version")
def load_watched() -> list[Version]:
    """Versions that were, are or will be watched. One query."""
    watched = Version.objects.filter(section__in=WATCHED, watch_from__isnull=False, watch_until__isnull=False)
    return list(watched.order_by("pk"))


def _under_watch(model: TypedModel, batch: Batch) -> list[_Watched]:
    """Versions that are only watched now."""
    found = []
    for version in batch.once(load_watched):
        begin, end = version.watch_from, version.watch_until
        if begin is None or end is None or not begin <= batch.now < end:
            continue
        if version.section == PIPELINES:
            pipeline = pipeline_body(version.key, version.body, model.catalogue)
            alone = InForce({}, {version.key: (version.pk, pipeline)})
            found.append(_Watched(version, alone, bodies=(version.body,)))
            continue
        base, bodies = None, [version.body]
        if version.section == TRIGGERS:
            held = model.versions.at(TRIGGERS, version.key, batch.now)
            base, bodies = _alone(held, model), [*bodies, *([held.body] if held else [])]
        found.append(_Watched(version, _alone(version, model), base, tuple(bodies)))
    return found


def _alone(version: Version | None, model: TypedModel) -> InForce:
    """A definition, or what a trigger shares with one."""
    if version is None:
        return InForce({}, {})
    body = definition_body(version.key, version.body, model.catalogue)
    return InForce({version.key: (version.pk, body)}, {})


def _watched_rows(
    version: Version, judged: Sequence[Judged], watched: Sequence[Judged], batch: Batch
) -> list[WatchedJudgement]:
    """Where the watched version differs. Whom a version doesn't judge at all is missing by it."""

    section = PIPELINES if version.section == PIPELINES else DEFINITIONS

    def of(rows: Sequence[Judged]) -> dict[tuple[uuid.UUID, str], str]:
        return {
            (row.record_id, row.key): row.state
            for row in rows
            if row.section == section and row.key.partition("/")[0] == version.key
        }

    now_states, states = of(judged), of(watched)
    return [
        WatchedJudgement(
            version_id=version.pk, record_id=record_id, key=key, state=state, now_state=now_state,
            first_seen_at=batch.now,
        )
        for record_id, key in sorted(now_states.keys() | states.keys())
        if (state := states.get((record_id, key), "missing"))
        != (now_state := now_states.get((record_id, key), "missing"))
    ]  # fmt: skip


# --- rows ------------------------------------------------------------------------------------------------------


def _entry_row(entry: Entry, journey_id: uuid.UUID) -> StageEntry:
    return StageEntry(
        id=entry.id,
        journey_id=journey_id,
        record_id=entry.record_id,
        stage=entry.stage,
        pass_number=entry.pass_number,
        event_id=entry.event_id,
        occurred_at=entry.occurred_at,
        left_at=entry.left_at,
        is_exact=entry.is_exact,
        snapshot=dict(entry.snapshot),
        definition_id=entry.definition_id,
        judgement=entry.judgement,
        variant=entry.variant,
        exclusion=entry.exclusion,
        missing=list(entry.missing),
        arrival=entry.arrival,
        is_allowed=entry.is_allowed,
    )


def _passage_row(stay: Stay, journey_id: uuid.UUID) -> Passage:
    return Passage(
        id=stay.id,
        journey_id=journey_id,
        record_id=stay.record_id,
        pipeline=stay.pipeline,
        stage=stay.stage,
        event_id=stay.event_id,
        entered_at=stay.entered_at,
        left_at=stay.left_at,
        left_event_id=stay.left_event_id,
        left_to=stay.left_to,
        version_id=stay.version_id,
        arrival=stay.arrival,
        is_allowed=stay.is_allowed,
        entry_judgement=stay.entry_judgement,
        exit_judgement=stay.exit_judgement,
        missing=list(stay.missing),
        paper=[dict(row) for row in stay.paper],
    )


def _judgement_row(judged: Judged) -> Judgement:
    return Judgement(
        record_id=judged.record_id,
        section=judged.section,
        key=judged.key,
        version_id=judged.version_id,
        state=judged.state,
        variant=judged.variant,
        exclusion=judged.exclusion,
        paper=[dict(row) for row in judged.paper],
        recheck_at=judged.recheck_at,
    )
