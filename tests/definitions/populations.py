"""Rows of a whole small house for tests that hold two readers of it equal: people, deals, accounts, what happened."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from definitions.models import Signal, Version
from records.ids import record_id
from records.kinds import BASELINE, CHANGE, DELETED
from records.models import AccountMatch, Connection, Event, Journey, Record
from records.services import gtmops_connection
from tests.definitions.conftest import LONG_AGO, NOW
from tests.definitions.criteria.list_strategies import EVENTS, KINDS
from tests.definitions.criteria.strategies import spell_instant

OBJECTS: dict[str, dict[str, dict[str, Any]]] = {
    "person": {
        "lifecycle_stage": {"type": "picklist", "options": ["lead", "mql", "sql"]},
        "account": {"type": "reference"},
        "converted_account": {"type": "reference"},
        "amount": {"type": "money"},
        "currency": {"type": "picklist"},
        "fleet_size": {"type": "number"},
    },
    "deal": {
        "stage": {"type": "picklist", "options": ["Discovery", "Proposal", "Closed Won"]},
        "pipeline": {"type": "picklist", "options": ["New business", "Renewal"]},
        "account": {"type": "reference"},
        "amount": {"type": "money"},
        "currency": {"type": "picklist"},
        "close_date": {"type": "date"},
    },
    "account": {"industry": {"type": "text"}, "fleet": {"type": "number"}},
    "activity": {
        "kind": {"type": "picklist", "options": KINDS},
        "occurred_at": {"type": "datetime"},
        "direction": {"type": "picklist", "options": ["inbound", "outbound"]},
        "notes": {"type": "text"},
    },
}
REMOTE = {"person": "Lead", "deal": "Opportunity", "account": "Account", "activity": "Task"}
ACCOUNTS = ["A1", "A2", "A3", "gone"]


@dataclass
class Population:
    """Rows that wait to be stored."""

    chance: Random
    connections: list[Connection]
    journeys: list[Journey] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def store(self) -> None:
        Journey.objects.bulk_create(self.journeys)
        Record.objects.bulk_create(self.records)
        Event.objects.bulk_create(self.events)
        Signal.objects.bulk_create(self.signals)
        AccountMatch.objects.bulk_create(self.matches())

    def matches(self) -> list[AccountMatch]:
        """Some people are matched to an account of any CRM, some to none of several."""
        accounts = [r for r in self.records if r.object == "account"]
        chance = Random(len(self.records))
        return [
            AccountMatch(record=r, account=chance.choice([*accounts, None]), how="exact")
            for r in self.records
            if r.object == "person" and chance.random() < 0.3
        ]

    def moment(self) -> datetime:
        days = self.chance.choice([0, 1, 7, 14, 14, 30, 30, 60, 400])
        return NOW - timedelta(days=days, seconds=self.chance.choice([0, 0, 1, 3600]))

    def fill(self, journeys: int) -> None:
        for connection in self.connections:
            for name in ACCOUNTS[:3]:
                self.record("account", connection, name, None)
        for number in range(journeys):
            key = f"journey {number}"
            journey = Journey(id=uuid.uuid5(uuid.NAMESPACE_URL, key), key=key)
            self.journeys.append(journey)
            for n in range(self.chance.choice([1, 1, 2])):
                self.record("person", self.chance.choice(self.connections), f"P{number}-{n}", journey)
            for n in range(self.chance.choice([0, 1, 1, 2])):
                self.record("deal", self.chance.choice(self.connections), f"D{number}-{n}", journey)
            for n in range(self.chance.choice([0, 1, 2, 4])):
                self.record("activity", self.chance.choice(self.connections), f"T{number}-{n}", journey)

    def record(self, name: str, connection: Connection, remote_id: str, journey: Journey | None) -> Record:
        values = self.values(name)
        seen = self.moment()
        record = Record(
            id=record_id(connection.name, REMOTE[name], remote_id),
            connection=connection,
            object=name,
            remote_object=REMOTE[name],
            remote_id=remote_id,
            values=values,
            journey=journey,
            created_at_remote=self.chance.choice([seen, None]),
        )
        self.records.append(record)
        self.event(record, BASELINE, seen, data={"values": dict(values)})
        for stage in self.chance.sample(["mql", "sql", "lead"], 2) if name == "person" else []:
            self.change(record, "lifecycle_stage", stage, self.moment())
        for stage in self.chance.sample(["Discovery", "Proposal"], 1) if name == "deal" else []:
            self.change(record, "stage", stage, self.moment())
        if self.chance.random() < 0.1:
            record.deleted_at = self.moment()
            self.event(record, DELETED, record.deleted_at)
        elif self.chance.random() < 0.05 and name != "account":
            record.merged_into_id = self.records[0].id
        for _ in range(self.chance.choice([0, 0, 1, 3]) if name == "person" else 0):
            self.happening(record)
        return record

    def values(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, told in OBJECTS[name].items():
            if key in ("account", "converted_account"):
                value: Any = self.chance.choice([*ACCOUNTS, None])
            elif key == "occurred_at":
                value = self.chance.choice(
                    [None, spell_instant(self.moment()), spell_instant(NOW + timedelta(days=3))]
                )
            elif "options" in told:
                value = self.chance.choice(told["options"])
            elif key == "currency":
                value = self.chance.choice(["EUR", "USD", None, "CHF"])
            elif told["type"] in ("money", "number"):
                value = self.chance.choice([0, 5, 100, 108, None])
            elif told["type"] == "date":
                value = self.chance.choice(["2026-03-02", "2026-03-20", None])
            else:
                value = self.chance.choice(["Sales", "sales ops", "", None])
            if self.chance.random() > 0.1:
                found[key] = value
        return found

    def change(self, record: Record, name: str, new: Any, at: datetime) -> None:
        self.event(record, CHANGE, at, field=name, old=record.values.get(name), new=new)

    def event(self, record: Record, kind: str, at: datetime, **more: Any) -> None:
        key = f"{record.id}:{kind}:{len(self.events)}"
        self.events.append(
            Event(
                connection=record.connection,
                external_key=key,
                kind=kind,
                record=record,
                occurred_at=at,
                **more,
            )
        )

    def happening(self, record: Record) -> None:
        """An act of ours or a signal from the product."""
        name, at = self.chance.choice(EVENTS), self.moment()
        told = {
            "plan": self.chance.choice(["pro", 7]),
            "seats": self.chance.choice([5, "many"]),
            "trial": True,
        }
        if name.startswith("signal."):
            self.signals.append(
                Signal(
                    source="product",
                    message_id=str(len(self.signals)),
                    name=name.removeprefix("signal."),
                    properties=told,
                    occurred_at=at,
                    record=self.chance.choice([record, record, None]),
                )
            )
        else:
            self.event(record, name, at, data=told)
            self.events[-1].connection = gtmops_connection()


def put_model_in_force() -> None:
    """Two lifecycle stages and one pipeline, so that stays in them are told."""
    claims = {"mql": ("mql", 10), "sql": ("sql", 20)}
    for key, (value, order) in claims.items():
        body = {
            "name": key,
            "order": order,
            "owner": "sales",
            "sentence": key,
            "claimed_when": {
                "connection": "salesforce",
                "object": "person",
                "field": "lifecycle_stage",
                "values": [value],
            },
        }
        _put("stages", key, body)
    stages = [
        {"key": "discovery", "name": "Discovery", "value": "Discovery"},
        {"key": "proposal", "name": "Proposal", "value": "Proposal"},
    ]
    _put(
        "pipelines",
        "new_business",
        {
            "name": "New business",
            "owner": "sales",
            "agreed_by": ["sales"],
            "object": "deal",
            "connection": "salesforce",
            "stage_field": "stage",
            "when": {"field": "pipeline", "op": "is", "value": "New business"},
            "stages": stages,
        },
    )


def _put(section: str, key: str, body: dict[str, Any]) -> None:
    Version.objects.create(
        section=section, key=key, number=1, body=body, state=Version.State.SIGNED, effective_from=LONG_AGO
    )
