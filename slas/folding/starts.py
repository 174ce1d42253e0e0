"""What starts a clock: each time it happened, when we learned of it, and what ended the pass it began (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from definitions.triggers.kinds import FIRED
from records.canonical import Unreadable, instant
from records.journey_data import EventData, JourneyData, RecordData
from records.kinds import BASELINE, CHANGE, FIELD_LOST, MERGED
from slas.conditions import Spell
from slas.folding.clock import Start
from slas.folding.setting import Entered
from slas.folding.stops import is_empty
from slas.kinds import CLOCK_SIGNAL
from slas.rules import ANY, Rule

SPELL = timedelta(days=7)
"""Signals of one name belong to one spell while no more than this lies between two of them."""

NEW = timedelta(hours=1)
"""A record is new when it is first seen so soon after it was made: then what it says was said just now."""

MERGE = timedelta(minutes=1)
"""What changes in a record so soon around a merge was the merge's doing."""

RECYCLE_REASON = "recycle_reason"
HANDOFF_STARTS: Mapping[str, str] = {
    "handoff_opened": "handoff.opened",
    "handoff_sent": "handoff.sent",
    "handoff_sent_back": "handoff.sent_back",
    "handoff_accepted": "handoff.accepted",
}
HANDOFF_WORDS: Mapping[str, str] = {
    "handoff_opened": "Handoff opened",
    "handoff_sent": "Handoff sent",
    "handoff_sent_back": "Handoff sent back",
    "handoff_accepted": "Handoff accepted",
}


@dataclass(frozen=True)
class SignalSeen:
    """A product signal of a record that no clock has remembered yet. ``key`` is unique over all sources."""

    name: str
    key: str
    record_id: uuid.UUID
    at: datetime
    received_at: datetime
    source: str = ""


def _no_moment(object_name: str, name: str) -> bool:
    return False


def _never(stage: str, at: datetime) -> bool:
    return False


@dataclass(frozen=True)
class Starts:
    """Finds what starts a rule's clocks in a journey. Everything is loaded before; asking needs no query.

    ``entries``: journey -> stage or pipeline/stage -> entries, oldest first. ``told_first``: event -> when we first
    learned of it, and the key of what told so. ``signals``: by record. ``is_moment``: whether a field holds one.
    ``is_bulk(word, at)``: whether so many of it happened in one minute that nobody did them by hand."""

    entries: Mapping[uuid.UUID, Mapping[str, Sequence[Entered]]] = field(default_factory=dict)
    told_first: Mapping[int, tuple[datetime, str]] = field(default_factory=dict)
    signals: Mapping[uuid.UUID, Sequence[SignalSeen]] = field(default_factory=dict)
    is_moment: Callable[[str, str], bool] = _no_moment
    is_bulk: Callable[[str, datetime], bool] = _never

    def __call__(self, journey: JourneyData, rule: Rule) -> Iterator[Start]:
        kind, subject = rule.start
        if kind == "stage_entered":
            yield from self._stages(journey, subject)
        elif kind in HANDOFF_STARTS:
            yield from self._handoffs(journey, kind, subject)
        elif kind == "field_set":
            yield from self._fields(journey, rule.on, subject)
        elif kind == "trigger_fired":
            yield from self._fired(journey, subject)
        elif kind == "signal":
            yield from self._signals(journey, rule.on, subject)

    def entered(self, journey: JourneyData, stage: str) -> Sequence[Entered]:
        return self.entries.get(journey.id, {}).get(stage, ())

    # --- one kind each ---

    def _stages(self, journey: JourneyData, stage: str) -> Iterator[Start]:
        for entry in self.entered(journey, stage):
            spells = [*self._ends(journey, entry.record_id, entry.at, stage), *_merges(journey, entry)]
            if entry.exclusion:
                because = f"excluded: {entry.exclusion}"
                spells.append(Spell(entry.at, entry.learned_at, entry.event, because=because))
            yield Start(
                entry.event, entry.record_id, entry.at, entry.key, entry.learned_at, entry.is_exact,
                what=f"Became {entry.name or stage}", calls_off=tuple(spells), is_bulk=self.is_bulk(stage, entry.at),
            )  # fmt: skip

    def _handoffs(self, journey: JourneyData, kind: str, template: str) -> Iterator[Start]:
        name = HANDOFF_STARTS[kind]
        for event in journey.events:
            if event.kind != name or event.data.get("template") != template:
                continue
            # What is sent back is often recycled by the same hand: the sender still owes an answer.
            is_lasting = kind == "handoff_sent_back"
            ends = () if is_lasting else self._ends(journey, event.record_id, event.occurred_at)
            yield Start(
                event, event.record_id, event.occurred_at, event.key, event.observed_at,
                what=HANDOFF_WORDS[kind], calls_off=tuple(ends), handoff=str(event.data.get("handoff") or ""),
            )  # fmt: skip

    def _fired(self, journey: JourneyData, trigger: str) -> Iterator[Start]:
        for event in journey.events:
            if event.kind == FIRED and trigger in (ANY, event.data.get("trigger")):
                ends = self._ends(journey, event.record_id, event.occurred_at)
                what = str(event.data.get("name") or event.data.get("trigger") or "")
                yield Start(
                    event, event.record_id, event.occurred_at, event.key, event.observed_at,
                    what=f"Expansion signal: {what}", calls_off=tuple(ends),
                )  # fmt: skip

    def _fields(self, journey: JourneyData, object_name: str, name: str) -> Iterator[Start]:
        for record in journey.records:
            if record.object != object_name:
                continue
            for event, value in _settings(record, name):
                at, is_exact = self._set_at(record, name, event, value)
                if at is None:
                    continue
                learned_at, key = self.told_first.get(event.id, (event.observed_at, event.key))
                spells = [*self._ends(journey, record.id, at), *_merges_of(journey, record, event)]
                yield Start(
                    event, record.id, at, key, max(learned_at, at), is_exact,
                    what=f"{name.replace('_', ' ').capitalize()} filled in", calls_off=tuple(spells),
                    is_bulk=self.is_bulk(f"{object_name}.{name}", event.occurred_at),
                )  # fmt: skip

    def _set_at(
        self, record: RecordData, name: str, event: EventData, value: object
    ) -> tuple[datetime | None, bool]:
        """(when it was written, whether that is exact); None for what may have stood there for long."""
        if self.is_moment(record.object, name):
            try:
                at = instant(value)
            except Unreadable:
                at = None
            # "Requested a demo at" says itself when that was.
            if at is not None and at <= event.occurred_at:
                return at, True
        if event.kind != BASELINE:
            return event.occurred_at, event.not_before is None
        is_first = event is next(iter(record.events), None)
        made_at = event.not_before or record.created_at
        if not is_first or made_at is None or event.occurred_at - made_at > NEW:
            return None, False
        return event.occurred_at, event.occurred_at <= made_at

    def _signals(self, journey: JourneyData, object_name: str, name: str) -> Iterator[Start]:
        for record in journey.records:
            if record.object != object_name:
                continue
            known = []
            for event in record.events:
                if event.kind == CLOCK_SIGNAL and event.data.get("name") == name:
                    known.append(event.occurred_at)
                    yield self._signalled(
                        journey, record, event.occurred_at, event.observed_at, event.key, event,
                        str(event.data.get("source") or ""), name,
                    )  # fmt: skip
            fresh = [one for one in self.signals.get(record.id, ()) if one.name == name]
            first_seen = min((e.observed_at for e in record.events), default=None)
            for one in first_of_spells(fresh, known):
                learned_at = max(one.received_at, first_seen or one.received_at)
                yield self._signalled(journey, record, one.at, learned_at, one.key, None, one.source, name)

    def _signalled(
        self, journey: JourneyData, record: RecordData, at: datetime, learned_at: datetime, key: str,
        event: EventData | None, source: str, name: str,
    ) -> Start:  # fmt: skip
        ends = self._ends(journey, record.id, at)
        what = f"Signal: {name.replace('_', ' ')}"
        return Start(event, record.id, at, key, learned_at, what=what, source=source, calls_off=tuple(ends))

    # --- what ends a pass ---

    def _ends(
        self, journey: JourneyData, record_id: uuid.UUID, at: datetime, stage: str = ""
    ) -> Iterator[Spell]:
        """It went back, or was recycled: whoever comes again starts a clock of their own."""
        pipeline = stage.partition("/")[0] if "/" in stage else ""
        for name, entries in self.entries.get(journey.id, {}).items():
            if (name.partition("/")[0] if "/" in name else "") != pipeline:
                continue
            for entry in entries:
                if entry.is_backward and entry.record_id == record_id and entry.at > at:
                    because = f"back to {entry.name or entry.stage}"
                    yield Spell(entry.at, entry.learned_at, entry.event, because=because)
        record = journey.record(record_id)
        if record is not None and record.object == "person":
            yield from _recycled(journey, at)


def _recycled(journey: JourneyData, since: datetime) -> Iterator[Spell]:
    for record in journey.records:
        if record.object != "person":
            continue
        for event in record.events:
            is_told = event.kind == CHANGE and event.field == RECYCLE_REASON and not is_empty(event.new)
            if is_told and event.occurred_at > since:
                because = f"recycled: {event.new}"
                yield Spell(event.occurred_at, event.observed_at, event, because=because)


def _settings(record: RecordData, name: str) -> Iterator[tuple[EventData, object]]:
    """Each time a field came to say something, or something else; our own writing is none of them."""
    before: object = None
    is_known = False
    for event in record.events:
        if event.kind == FIELD_LOST and event.field == name:
            is_known = False
        told = event.data.get("values", {}) if event.kind == BASELINE else {}
        if event.kind == CHANGE and event.field == name:
            told = {name: event.new}
        if name not in told:
            continue
        value = told[name]
        is_first_look = event.kind == BASELINE
        is_news = (not is_known and is_first_look) or (is_known and value != before)
        # The history of a field begins with what it said when the record was made.
        is_news = is_news or (not is_known and "history" in event.data)
        if is_news and not is_empty(value) and not event.caused_by:
            yield event, value
        before, is_known = value, True


def first_of_spells(signals: Sequence[SignalSeen], known: Sequence[datetime]) -> Iterator[SignalSeen]:
    """Signals that begin a spell, in the order they were received: none that is near one we know of."""
    seen = sorted(known)
    for one in sorted(signals, key=lambda s: (s.received_at, s.at, s.key)):
        if all(abs(one.at - at) > SPELL for at in seen):
            yield one
        seen.append(one.at)


def _merges(journey: JourneyData, entry: Entered) -> Iterator[Spell]:
    record = journey.record(entry.record_id)
    if record is not None:
        yield from _merges_of(journey, record, entry.event)


def _merges_of(journey: JourneyData, record: RecordData, event: EventData) -> Iterator[Spell]:
    """A record that took in another may look as if something had happened to its buyer."""
    for other in journey.records:
        if (other.connection, other.remote_object) != (record.connection, record.remote_object):
            continue
        for told in other.events:
            is_into = told.kind == MERGED and str(told.data.get("into")) == record.remote_id
            if is_into and abs(told.occurred_at - event.occurred_at) <= MERGE:
                yield Spell(event.occurred_at, told.observed_at, told, because="two records were merged")
