"""Triggers of a batch: judge, fold, write what differs, tell once; and what pages ask."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet

from definitions.bodies import PIPELINES, STAGES
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.facts import load_facts
from definitions.models import Firing, Judgement
from definitions.triggers.bodies import KINDS, TRIGGERS, TriggerBody, trigger_body
from definitions.triggers.fold import Fired, Looked, TriggerHistory, TriggerVersion, fold_trigger
from definitions.triggers.kinds import HANDLED
from definitions.triggers.telling import announce
from definitions.versions import Model
from records.derived import write_derived
from records.journey_data import Batch
from records.models import Record
from records.services import record_act
from records.standing import standing
from teams.models import Membership, Person, Role, Team

FIELDS = (
    "journey", "record", "trigger", "version", "fired_at", "ended_at", "because", "is_measured_only", "handled_at",
    "handled_by",
)  # fmt: skip


@standing()
def trigger_histories(model: TypedModel) -> list[TriggerHistory]:
    return [
        TriggerHistory(
            key,
            [
                TriggerVersion(
                    v.pk, trigger_body(key, v.body, model.catalogue), v.effective_from, v.retired_at
                )
                for v in model.versions.history(TRIGGERS, key)
                if v.effective_from is not None
            ],
        )
        for key in model.versions.keys(TRIGGERS)
    ]


def refresh(batch: Batch) -> None:
    """Conclude judgements and firings of all triggers for a batch anew, in a constant number of queries."""
    model = batch.once(load_typed_model)
    histories = batch.once(trigger_histories, model)
    if not histories:
        return
    records = [r.id for j in batch.journeys.values() for r in j.records]
    held: dict[tuple[uuid.UUID, str], list[Fired]] = defaultdict(list)
    rows = {row.pk: row for row in Firing.objects.filter(record__in=records)}
    for row in rows.values():
        held[row.record_id, row.trigger].append(_fired_of(row))
    source = load_facts(batch, batch.once(_of_triggers, model))
    judgements: list[Judgement] = []
    wanted: list[Firing] = []
    news: list[tuple[Fired, TriggerBody]] = []
    kept: set[uuid.UUID] = set()
    bodies = {v.id: v.body for h in histories for v in h.versions}
    for journey in batch.journeys.values():
        for record in journey.records:
            about = [
                h
                for h in histories
                if any(v.body.definition.is_about(record.object, record.connection) for v in h.versions)
            ]
            if not about or record.deleted_at is not None:
                continue
            looked = Looked(record, source, batch.now)
            for history in about:
                before = held.get((record.id, history.key), ())
                folded = fold_trigger(looked, journey, history, before)
                kept |= {f.id for f in before if folded.since is not None and f.fired_at < folded.since}
                if folded.now is not None:
                    version_id, outcome = folded.now
                    judgements.append(
                        Judgement(
                            record_id=record.id, section=TRIGGERS, key=history.key, version_id=version_id,
                            state=outcome.state, exclusion=outcome.exclusion, recheck_at=outcome.recheck_at,
                        )
                    )  # fmt: skip
                for one in folded.fired:
                    wanted.append(_row(one, journey.id))
                    news.append((one, bodies[one.version_id]))
    write_derived(
        Judgement,
        judgements,
        fields=["version", "state", "variant", "exclusion", "paper", "recheck_at"],
        scope=Q(record__in=records, section=TRIGGERS),
        key=("record_id", "section", "key"),
    )
    # What fired before the moments that were looked at stands as it is.
    write_derived(Firing, wanted, fields=FIELDS, scope=Q(record__in=records) & ~Q(pk__in=kept))
    announce(
        [(one, body) for one, body in news if one.id not in rows or not rows[one.id].ended_at], batch.now
    )


@standing()
def _of_triggers(model: TypedModel) -> TypedModel:
    """The model without what triggers never read: nothing is loaded for definitions alone."""
    wanted = (TRIGGERS, STAGES, PIPELINES)
    kept = [
        v
        for section in wanted
        for key in model.versions.keys(section)
        for v in model.versions.history(section, key)
    ]
    return TypedModel(Model(kept), model.catalogue)


def _row(one: Fired, journey_id: uuid.UUID) -> Firing:
    return Firing(
        id=one.id,
        journey_id=journey_id,
        record_id=one.record_id,
        trigger=one.trigger,
        version_id=one.version_id,
        fired_at=one.fired_at,
        ended_at=one.ended_at,
        because=list(one.because),
        is_measured_only=one.is_measured_only,
        handled_at=one.handled_at,
        handled_by_id=one.handled_by,
    )


def _fired_of(row: Firing) -> Fired:
    return Fired(
        row.pk, row.trigger, row.version_id or 0, row.record_id, row.fired_at, row.ended_at, tuple(row.because),
        row.is_measured_only, row.handled_at, row.handled_by_id,
    )  # fmt: skip


# --- acts ------------------------------------------------------------------------------------------------------


def may_handle(person: Person, owner: str, shared_with: Collection[str]) -> bool:
    """Whoever is in the owner team or one that shares it, and RevOps. One query."""
    if person.role in {Role.REVOPS_ADMIN, Role.SYSTEM_ADMIN}:
        return True
    teams = Membership.objects.open().filter(person=person, team__key__in=[owner, *shared_with])
    return teams.exists()


def handle(firing: Firing, by: Person, now: datetime) -> None:
    """Mark a firing as handled, once. Raises PermissionDenied for somebody of another team."""
    told = shown([firing])[0]
    if not may_handle(by, told.owner, told.shared_with):
        raise PermissionDenied("It belongs to another team.")
    event = record_act(
        HANDLED, record=firing.record, key=f"firing:{firing.pk}:handled", occurred_at=now, now=now, actor=by,
        data={"trigger": firing.trigger, "firing": str(firing.pk), "name": told.name},
    )  # fmt: skip
    if event is not None:
        Firing.objects.filter(pk=firing.pk).update(handled_at=now, handled_by=by)


# --- what pages ask --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A firing as pages, the API and the CRM tell it. ``state``: open, handled, ended."""

    firing: Firing
    name: str
    kind: str
    owner: str
    owner_name: str
    shared_with: tuple[str, ...]
    shared_names: tuple[str, ...]
    play: str
    text: str

    @property
    def state(self) -> str:
        if self.firing.handled_at is not None:
            return "handled"
        return "open" if self.firing.ended_at is None else "ended"

    @property
    def is_in_flight(self) -> bool:
        """Somebody's work now: whoever else wants to talk to this customer asks them first."""
        return self.state == "open" and not self.firing.is_measured_only

    @property
    def who_words(self) -> str:
        if self.state == "handled":
            by = self.firing.handled_by
            return f"Handled by {by.name}" if by else "Handled"
        return f"{self.owner_name} has it" if self.state == "open" else "Over"


def firings_of(record: Record) -> list[Shown]:
    """The expansion signals of a record and of its buyer's other records, the newest first. Three queries."""
    where = Q(record=record) if record.journey_id is None else Q(journey_id=record.journey_id)
    rows = Firing.objects.filter(where).select_related("version", "handled_by", "record")
    return shown(list(rows.order_by("-fired_at", "pk")[:20]))


def firings_for(person: Person) -> QuerySet[Firing]:
    """Firings on records that ``person`` may read."""
    return Firing.objects.filter(record__in=Record.objects.for_person(person).present())


def shown(rows: Sequence[Firing]) -> list[Shown]:
    """One query beside the rows, whose ``version`` should be loaded."""
    teams = dict(Team.objects.values_list("key", "name"))
    return [_shown(row, teams) for row in rows]


def _shown(row: Firing, teams: Mapping[str, str]) -> Shown:
    body = row.version.body if row.version else {}
    owner = str(body.get("owner") or "")
    shared = tuple(str(team) for team in body.get("shared_with") or ())
    return Shown(
        firing=row,
        name=str(body.get("name") or row.trigger),
        kind=KINDS.get(str(body.get("kind")), ""),
        owner=owner,
        owner_name=teams.get(owner, owner),
        shared_with=shared,
        shared_names=tuple(teams.get(team, team) for team in shared),
        play=str(body.get("play") or ""),
        text=str(body.get("text") or ""),
    )
