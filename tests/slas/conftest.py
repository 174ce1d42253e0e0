"""A small house: one HubSpot that is live, an SDR team in Austin, and the three rules of the starter model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

import definitions.services
import slas.due
import slas.services
from definitions.models import Version
from effects.models import Effect
from records.canonical import instant_text
from records.incoming import IncomingRecord
from records.journeys import relink
from records.kinds import VERIFIED
from records.loading import load_batch
from records.models import (
    CatalogueField,
    Connection,
    FieldMapping,
    OwnerMatch,
    Record,
    RefreshRequest,
    Touched,
)
from records.services import record_act, store_page
from slas.models import Clock
from teams.models import BusinessUnit, Membership, Person, Role, Team
from tests.slas.builders import LONG_AGO, RULES, austin

FIELDS = {
    "contacts": (
        "person",
        {"company": "text", "stage": "picklist", "owner": "reference", "business_unit": "text"},
    ),
    "calls": (
        "activity",
        {"kind": "picklist", "occurred_at": "datetime", "owner": "reference", "is_automated": "boolean"},
    ),
}
STAGE = {
    "name": "Marketing qualified lead",
    "short": "MQL",
    "order": 20,
    "owner": "marketing",
    "sentence": "Marketing says it is worth a call.",
    "claimed_when": {"connection": "hubspot", "object": "person", "field": "stage", "values": ["mql"]},
}
AUSTIN = {
    "name": "Austin",
    "teams": ["sdr", "marketing"],
    "tz": "America/Chicago",
    "week": {day: [["08:30", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-11-26"],
}


class House:
    """The database of a test, moved on by what a CRM says and by the passing of time."""

    def __init__(self) -> None:
        self.unit = BusinessUnit.objects.create(key="emea", name="EMEA")
        self.teams = {
            key: Team.objects.create(key=key, name=name, purpose=key)
            for key, name in {"marketing": "Marketing", "sdr": "SDR Austin", "sales": "Sales"}.items()
        }
        self.boss = self.person("boss", "Bea Lead", team="sdr", role=Role.MANAGER)
        self.sasha = self.person("sasha", "Sasha Field", team="sdr", manager=self.boss)
        self.mira = self.person("mira", "Mira Post", team="marketing")
        self.revops = self.person("revops", "Rae Ops", role=Role.REVOPS_ADMIN)
        self.hubspot = Connection.objects.create(
            name="hubspot", label="HubSpot", kind="hubspot", go_live_at=LONG_AGO
        )
        for remote_object, (object_name, fields) in FIELDS.items():
            for name, kind in fields.items():
                known, _ = CatalogueField.objects.get_or_create(
                    object=object_name, name=name, defaults={"label": name, "type": kind}
                )
                FieldMapping.objects.create(
                    connection=self.hubspot, field=known, remote_object=remote_object, remote_name=name
                )
        OwnerMatch.objects.create(
            connection=self.hubspot, remote_id="queue", kind="queue", name="Inbound queue"
        )
        for who in (self.sasha, self.mira):
            OwnerMatch.objects.create(
                connection=self.hubspot, remote_id=who.email.split("@")[0], name=who.name, person=who
            )
        self.publish("stages", "mql", STAGE)
        self.publish("calendars", "austin", AUSTIN)
        for key, body in RULES.items():
            self.publish("sla_rules", key, body)

    def person(self, key: str, name: str, *, team: str = "", **other: Any) -> Person:
        made = Person.objects.create_user(f"{key}@fernhill.example", name=name, **other)
        made.business_units.add(self.unit)
        if team:
            Membership.objects.create(person=made, team=self.teams[team], started_at=LONG_AGO)
        return made

    @staticmethod
    def publish(section: str, key: str, body: dict[str, Any], since: datetime = LONG_AGO) -> Version:
        number = Version.objects.filter(section=section, key=key).count() + 1
        return Version.objects.create(
            section=section, key=key, number=number, body=body, state="signed", effective_from=since
        )

    # --- what the CRM says ---

    def lead(self, at: str, remote_id: str = "101", now: str | None = None, **values: Any) -> Record:
        told = {
            "company": f"Kestrel {remote_id}",
            "stage": "lead",
            "owner": None,
            "business_unit": None,
        } | values
        self._store("contacts", remote_id, told, austin(at), austin(now or at))
        return Record.objects.get(remote_id=remote_id, remote_object="contacts")

    def call(
        self, at: str, about: str = "101", now: str | None = None, by: str = "sasha", **values: Any
    ) -> None:
        told = {
            "kind": "call",
            "occurred_at": instant_text(austin(at)),
            "owner": by,
            "is_automated": False,
        } | values
        self._store("calls", f"c{about}{at}", told, austin(at), austin(now or at), (("contacts", about),))

    def _store(
        self,
        remote_object: str,
        remote_id: str,
        values: dict[str, Any],
        at: datetime,
        now: datetime,
        links: tuple[tuple[str, str], ...] = (),
    ) -> None:
        row = IncomingRecord(
            remote_object, remote_id, values, modified_at=at, created_at=at, links=links, raw=values
        )
        with transaction.atomic():
            store_page(self.hubspot, [row], now=now)

    def serve_requests(self, at: str, outcome: str = "read", before: Callable[[], None] | None = None) -> int:
        """As integrations/refresh.py does: store what was read, then say that it was read."""
        served = list(RefreshRequest.objects.filter(served_at=None).select_related("record"))
        if before:
            before()
        for request in served:
            RefreshRequest.objects.filter(pk=request.pk).update(served_at=austin(at), outcome=outcome)
            record_act(
                VERIFIED,
                record=request.record,
                key=f"verified:{request.key}",
                occurred_at=austin(at),
                now=austin(at),
                data={"request": request.key, "outcome": outcome},
            )
        return len(served)

    # --- time passes ---

    def conclude(self, now: str | datetime) -> None:
        """The pipeline, as far as this room."""
        at = austin(now) if isinstance(now, str) else now
        with transaction.atomic():
            claimed = dict(Touched.objects.values_list("pk", "record_id"))
            journeys = relink(claimed.values())
            batch = load_batch(journeys, at)
            definitions.services.refresh(batch)
            slas.services.refresh(batch)
            Touched.objects.filter(pk__in=claimed).delete()

    def tick(self, now: str) -> int:
        return slas.due.due_clocks(austin(now))

    def become_mql(self, at: str, owner: str | None = "sasha", **values: Any) -> Record:
        """A lead seen five minutes ago becomes MQL now."""
        earlier = (austin(at) - timedelta(minutes=5)).astimezone(austin(at).tzinfo)
        remote_id = values.pop("remote_id", "101")
        told = {
            "company": f"Kestrel {remote_id}",
            "stage": "lead",
            "owner": owner,
            "business_unit": None,
        } | values
        self._store("contacts", remote_id, told, earlier, earlier)
        self.conclude(earlier)
        self._store("contacts", remote_id, told | {"stage": "mql"}, austin(at), austin(at))
        self.conclude(at)
        return Record.objects.get(remote_id=remote_id, remote_object="contacts")

    def run_late(self, due: str = "Thu 11:00", outcome: str = "read") -> None:
        """Fell due, read again, nothing there."""
        self.tick(due)
        self.conclude(due)
        self.serve_requests(due, outcome)
        self.conclude(due)

    @staticmethod
    def clock(rule: str = "touch", remote_id: str = "101") -> Clock:
        return Clock.objects.get(rule_key=rule, record__remote_id=remote_id)

    @staticmethod
    def told() -> list[tuple[str, str]]:
        """(who, channel) of every escalation written so far."""
        names = dict(Person.objects.values_list("pk", "name"))
        rows = Effect.objects.order_by("pk")
        return sorted((names[e.payload["person"]], e.channel) for e in rows)


@pytest.fixture
def house(db: None) -> House:
    return House()
