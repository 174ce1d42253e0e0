"""A buyer's history in plain data, told the way a test reads: who, what, when, and when we learned of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from records.canonical import instant_text
from records.ids import derive_id, record_key
from records.journey_data import Batch, EventData, JourneyData, OwnerData, RecordData
from slas.calendars.business_time import Calendar
from slas.conditions import Conditions
from slas.fold import ClockData, Setting, Start, fold_clocks
from slas.rules import Rule, RuleHistory, RuleVersion, parse_rule
from slas.staff import Staff

NO_CONDITIONS = Conditions()
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
AUSTIN = Calendar.from_spec(
    {
        "tz": "America/Chicago",
        "week": {day: [["08:30", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": ["2026-11-26"],
    }
)
JOURNEY = derive_id("journey", "hubspot:contacts:contact")
SASHA, MIRA, ODD, GONE, AVA, LENA = 1, 2, 3, 4, 5, 6
OWNERS = {
    ("hubspot", "sasha"): OwnerData("Sasha Field", "person", True, SASHA),
    ("hubspot", "mira"): OwnerData("Mira Post", "person", True, MIRA),
    ("hubspot", "lena"): OwnerData("Lena Ruhrig", "person", True, LENA),
    ("hubspot", "odd"): OwnerData("Odd Moe", "person", True, ODD),
    ("hubspot", "ava"): OwnerData("Ava Lind", "person", True, AVA),
    ("hubspot", "gone"): OwnerData("Gil Past", "person", False, GONE),
    ("hubspot", "switched_off"): OwnerData("Odd Moe", "person", False, ODD),
    ("hubspot", "queue"): OwnerData("Inbound queue", "queue", True, None),
}
STAFF = Staff(
    active=frozenset({SASHA, MIRA, ODD, AVA, LENA}),
    stays={
        SASHA: [(LONG_AGO, None, "sdr")],
        ODD: [(LONG_AGO, None, "sdr")],
        LENA: [(LONG_AGO, None, "sdr")],
        MIRA: [(LONG_AGO, None, "marketing")],
        AVA: [(LONG_AGO, None, "sales")],
        GONE: [(LONG_AGO, datetime(2026, 11, 1, tzinfo=UTC), "sdr")],
    },
    calendars={team: [(LONG_AGO, 7, AUSTIN)] for team in ("sdr", "marketing")},
)

RULES = {
    "routed": {
        "name": "MQL routed",
        "sentence": "When a lead becomes MQL, an active person of the SDR team owns it within 5 minutes.",
        "from_team": "marketing",
        "to_team": "sdr",
        "start": {"stage_entered": "mql"},
        "stop": {"owner_in_team": "sdr"},
        "target": {"elapsed": "5m"},
        "evidence": ["person"],
    },
    "touch": {
        "name": "First human touch",
        "sentence": "When a lead becomes MQL, a person of the SDR team touches it within 1 business hour.",
        "from_team": "marketing",
        "to_team": "sdr",
        "start": {"stage_entered": "mql"},
        "stop": {"touch_by_team": "sdr"},
        "target": {"business": "1h"},
        "evidence": ["person", "activity"],
        "escalate": [{"when": "breached", "to": ["owner", "manager"], "by": ["inbox", "email"]}],
    },
    "notes": {
        "name": "Context notes before the meeting",
        "sentence": "The context notes are with the AE before the first meeting.",
        "from_team": "sdr",
        "to_team": "sales",
        "start": {"stage_entered": "mql"},
        "stop": {"handoff_sent": "sdr_to_ae"},
        "target": {"before": "meeting"},
        "acts": "sender",
        "evidence": ["person", "activity"],
    },
}


def rule(name: str, **other: Any) -> Rule:
    return parse_rule(name, {**RULES[name], **other})


def austin(text: str) -> datetime:
    """``"Thu 15:35"`` of the week of 9 November 2026 in Austin (UTC-6), or ``"23 Mon 08:30"`` of a later day."""
    *day, name, clock = text.split()
    dates = {"Mon": 9, "Tue": 10, "Wed": 11, "Thu": 12, "Fri": 13, "Sat": 14, "Sun": 15}
    date = int(day[0]) if day else dates[name]
    hour, minute, *second = clock.split(":")
    local = datetime(2026, 11, date, int(hour), int(minute), tzinfo=UTC)
    local += timedelta(seconds=float(second[0]) if second else 0)
    assert local.strftime("%a") == name
    return local + timedelta(hours=6)


@dataclass
class Buyer:
    """One HubSpot contact, its activities and what gtmops did about it. ``learned`` defaults to the moment itself."""

    go_live_at: datetime | None = LONG_AGO
    records: dict[str, list[EventData]] = field(default_factory=lambda: {"contact": []})
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def tell(
        self, record: str, kind: str, at: str | datetime, learned: str | datetime | None = None, **more: Any
    ) -> EventData:
        moment = austin(at) if isinstance(at, str) else at
        seen = moment if learned is None else austin(learned) if isinstance(learned, str) else learned
        number = next(self.ids)
        event = EventData(
            id=number,
            key=f"hubspot:{record}:{kind}:{more.get('field', '')}:{moment:%d%H%M%S}:{number:04}",
            kind=kind,
            record_id=self.id_of(record),
            connection="gtmops" if "." in kind or kind == "verified" else "hubspot",
            field=more.get("field", ""),
            old=None,
            new=more.get("new"),
            data=more.get("data", {}),
            actor_id=more.get("actor"),
            occurred_at=moment,
            observed_at=seen,
            not_before=more.get("not_before"),
            source_order=10,
            caused_by="",
        )
        self.records.setdefault(record, []).append(event)
        return event

    @staticmethod
    def kind_of(record: str) -> tuple[str, str]:
        """(object, remote object) by how a test calls it: the contact, another lead, a deal, else an activity."""
        if record == "contact" or record.startswith("lead"):
            return "person", "contacts"
        return ("deal", "deals") if record.startswith("deal") else ("activity", "calls")

    @classmethod
    def id_of(cls, record: str) -> uuid.UUID:
        return derive_id("record", record_key("hubspot", cls.kind_of(record)[1], record))

    def became_mql(self, at: str, learned: str | None = None) -> Buyer:
        self.tell("contact", "change", at, learned, field="stage", new="mql")
        return self

    def owned_by(self, owner: str | None, at: str, learned: str | None = None) -> Buyer:
        self.tell("contact", "change", at, learned, field="owner", new=owner)
        return self

    def activity(
        self,
        name: str,
        at: str,
        learned: str | None = None,
        *,
        by: str = "sasha",
        kind: str = "call",
        **values: Any,
    ) -> Buyer:
        told = {"kind": kind, "occurred_at": instant_text(austin(at)), "owner": by, **values}
        self.tell(name, "baseline", learned or at, data={"values": told})
        return self

    def edited(self, name: str, field_name: str, new: Any, at: str) -> Buyer:
        self.tell(name, "change", at, field=field_name, new=new)
        return self

    def deleted_at(self, name: str, at: str, learned: str | None = None) -> Buyer:
        self.tell(name, "deleted", at, learned)
        return self

    def act(self, kind: str, at: str, learned: str | None = None) -> Buyer:
        self.tell("contact", kind, at, learned, data={"template": "sdr_to_ae"}, actor=SASHA)
        return self

    def asked(self, which: Rule, at: str) -> Buyer:
        """The tick found the clock due and asked for its evidence."""
        clock = str(self.clock_id(which))
        key = f"ask:{which.key}:{at}"
        data = {"clock": clock, "requests": {str(self.id_of("contact")): key}}
        self.tell("contact", "clock.due", at, data=data)
        return self

    def answered(self, which: Rule, asked: str, at: str, outcome: str = "read") -> Buyer:
        data = {"request": f"ask:{which.key}:{asked}", "outcome": outcome}
        self.tell("contact", "verified", at, data=data)
        return self

    def read_again(self, which: Rule, at: str, outcome: str = "read") -> Buyer:
        """Asked and answered at one moment."""
        return self.asked(which, at).answered(which, at, at, outcome)

    def clock_id(self, which: Rule) -> uuid.UUID:
        start = next(e for e in self.records["contact"] if e.new == "mql")
        return derive_id("clock", which.key, "hubspot:contacts:contact", start.key)

    def journey(self) -> JourneyData:
        return JourneyData(JOURNEY, "hubspot:contacts:contact", None, tuple(self._records()))

    def _records(self) -> Iterator[RecordData]:
        for name, events in self.records.items():
            values: dict[str, Any] = {}
            for event in sorted(events, key=lambda e: (e.observed_at, e.order)):
                values |= event.data.get("values", {}) if event.kind == "baseline" else {}
                values |= {event.field: event.new} if event.kind == "change" else {}
            object_name, remote_object = self.kind_of(name)
            gone = [e.occurred_at for e in events if e.kind == "deleted"]
            yield RecordData(
                id=self.id_of(name),
                key=record_key("hubspot", remote_object, name),
                connection="hubspot",
                object=object_name,
                remote_object=remote_object,
                remote_id=name,
                title="Kestrel Haulage",
                values=values,
                created_at=None,
                deleted_at=gone[0] if gone else None,
                go_live_at=self.go_live_at,
                business_unit_id=None,
                events=tuple(sorted(events, key=lambda e: e.order)),
            )

    def clocks(
        self,
        which: Sequence[RuleHistory],
        now: str | datetime,
        staff: Staff = STAFF,
        conditions: Conditions = NO_CONDITIONS,
        starts: StartsOf | None = None,
        setting: Setting | None = None,
    ) -> list[ClockData]:
        moment = austin(now) if isinstance(now, str) else now
        known = {
            name: seen
            for name, events in self.records.items()
            if (seen := [e for e in events if e.observed_at <= moment]) or name == "contact"
        }
        seen = Buyer(self.go_live_at, known)
        batch = Batch({}, OWNERS, now=moment)
        return fold_clocks(
            seen.journey(),
            which,
            starts or mql_starts,
            batch,
            staff,
            lambda rule, record, at: conditions,
            setting,
        )

    def clock(
        self,
        which: Rule,
        now: str | datetime,
        staff: Staff = STAFF,
        conditions: Conditions = NO_CONDITIONS,
        starts: StartsOf | None = None,
        setting: Setting | None = None,
    ) -> ClockData:
        """The one clock of a rule, as it stands with what is known at ``now``."""
        (found,) = self.clocks([in_force(which)], now, staff, conditions, starts, setting)
        return found


def in_force(which: Rule, since: datetime = LONG_AGO, until: datetime | None = None) -> RuleHistory:
    return RuleHistory((RuleVersion(1, which, since, until),))


def mql_starts(journey: JourneyData, which: Rule) -> Iterable[Start]:
    for event in journey.events:
        if (event.kind, event.field, event.new) == ("change", "stage", "mql"):
            yield Start(event, event.record_id, event.occurred_at, event.key, event.observed_at)


StartsOf = Callable[[JourneyData, Rule], Iterable[Start]]
Telling = Callable[[Buyer], Buyer]
