"""A stand-in CRM that never holds still: seeded changes with ties, late commits, merges, deletes, conversions.

``Changes`` makes them and ``during`` makes some before each page that a client asks for; ``mirrors`` compares what
gtmops holds with the stand-in. Time is the CRM's own and moves only with the changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.setup import ensure_connection
from integrations.standins import hubspot_merging, salesforce_life, salesforce_rules
from integrations.standins.app import Application
from integrations.standins.http import Request, Response, _Connection
from integrations.standins.store import Actor, Store, Stored
from integrations.standins.world import World, salesforce_id
from records.models import Connection

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATE_SECONDS = 45
"""A late commit is seen at most so long after its stamp; overlaps must be longer."""
OVERLAP_SECONDS = 60
PERSON = Actor("", "CRM_UI")
STAGES = {
    "Lead": ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"),
    "Opportunity": ("Prospecting", "Qualification", "Proposal/Price Quote"),
    "contacts": ("lead", "marketingqualifiedlead", "salesqualifiedlead"),
    "deals": ("appointmentscheduled", "qualifiedtobuy", "contractsent"),
}
# Remote object -> (logical object, {logical field: (remote field, type)}).
MAPPED: dict[str, dict[str, tuple[str, dict[str, tuple[str, str]]]]] = {
    "salesforce": {
        "Account": ("account", {"name": ("Name", "text"), "industry": ("Industry", "picklist")}),
        "Lead": (
            "person",
            {
                "first_name": ("FirstName", "text"), "last_name": ("LastName", "text"), "email": ("Email", "text"),
                "company": ("Company", "text"), "stage": ("Status", "picklist"), "owner": ("OwnerId", "reference"),
            },
        ),
        "Contact": (
            "person",
            {"first_name": ("FirstName", "text"), "last_name": ("LastName", "text"), "email": ("Email", "text")},
        ),
        "Opportunity": (
            "deal",
            {"name": ("Name", "text"), "stage": ("StageName", "picklist"), "amount": ("Amount", "money")},
        ),
    },
    "hubspot": {
        "companies": ("account", {"name": ("name", "text"), "industry": ("industry", "picklist")}),
        "contacts": (
            "person",
            {
                "first_name": ("firstname", "text"), "last_name": ("lastname", "text"), "email": ("email", "text"),
                "company": ("company", "text"), "stage": ("lifecyclestage", "picklist"),
                "owner": ("hubspot_owner_id", "reference"),
            },
        ),
        "deals": (
            "deal",
            {"name": ("dealname", "text"), "stage": ("dealstage", "picklist"), "amount": ("amount", "money")},
        ),
    },
}  # fmt: skip
SHARE = {"Lead": 6, "Contact": 2, "Account": 1, "Opportunity": 1, "contacts": 7, "companies": 1, "deals": 2}
PREFIX = {"Lead": "00Q", "Contact": "003", "Account": "001", "Opportunity": "006"}
OWNERS = {"salesforce": [salesforce_id("005", 1), salesforce_id("005", 2)], "hubspot": ["501", "502"]}


def beginning(kind: str, records: int) -> World:
    """What the CRM holds before anything changes: all stamps in one second."""
    world: World = {
        "salesforce": {},
        "hubspot": {},
        "users": [
            {
                "id": i, "first_name": "Ina", "last_name": f"Ostra {n}", "email": f"ina{n}@tarnbrook.example",
                "active": True,
            }
            for n, i in enumerate(OWNERS["salesforce"])
        ],
        "owners": [
            {
                "id": i, "user_id": 9000 + n, "first_name": "Ina", "last_name": f"Ostra {n}",
                "email": f"ina{n}@tarnbrook.example", "archived": False,
            }
            for n, i in enumerate(OWNERS["hubspot"])
        ],
    }  # fmt: skip
    chance = random.Random(records)
    whole = sum(SHARE[name] for name in MAPPED[kind])
    number = 0
    for name in MAPPED[kind]:
        rows = []
        for n in range(records * SHARE[name] // whole):
            number += 1
            rows.append(
                {
                    "id": salesforce_id(PREFIX[name], n + 1) if kind == "salesforce" else str(1000 + number),
                    "fields": _fields(kind, name, chance, number),
                    "created": BEGIN,
                    "modified": BEGIN,
                }
            )
        world[kind][name] = rows  # type: ignore[literal-required]  # kind is one of the two
    return world


def connect(kind: str, base_url: str, method: str, secret: dict[str, str], **more: Any) -> Connection:
    """A connection that maps all that changes."""
    mappings = [
        {
            "object": logical, "remote_object": name, "field": field_name, "remote_name": remote, "type": type_name,
            "has_history": field_name == "stage",
        }
        for name, (logical, fields) in MAPPED[kind].items()
        for field_name, (remote, type_name) in fields.items()
    ]  # fmt: skip
    spec = {
        "name": kind, "kind": kind, "label": kind.capitalize(), "base_url": base_url, "method": method,
        "secret": secret, "mappings": mappings, **more,
    }  # fmt: skip
    return ensure_connection(spec, datetime.now(UTC))


def _fields(kind: str, name: str, chance: random.Random, number: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field_name, (remote, _) in MAPPED[kind][name][1].items():
        values[remote] = _value(kind, name, field_name, chance, number)
    if name == "Opportunity":
        values["CloseDate"] = "2026-06-30"
    if name == "deals":
        values["pipeline"] = "default"
    return values


def _value(kind: str, name: str, field_name: str, chance: random.Random, number: int) -> Any:
    match field_name:
        case "stage":
            return chance.choice(STAGES[name])
        case "owner":
            return chance.choice(OWNERS[kind])
        case "amount":
            return (
                chance.randrange(1, 90) * 1000
                if kind == "salesforce"
                else str(chance.randrange(1, 90) * 1000)
            )
        case "email":
            return f"kip{number}@tarnbrook.example"
        case "industry":
            return chance.choice(
                ("Transportation", "Retail") if kind == "salesforce" else ("AIRLINES_AVIATION", "RETAIL")
            )
    return f"{field_name.replace('_', ' ')} {number} {chance.randrange(1000)}"


@dataclass
class Changes:
    """Seeded; the same seed and the same calls make the same changes. ``purged``: ids that left without a trace."""

    store: Store
    kind: str
    seed: int
    made: int = 0
    now: datetime = BEGIN + timedelta(hours=1)
    purged: set[tuple[str, str]] = field(default_factory=set)
    _late: list[tuple[datetime, str, str]] = field(default_factory=list)
    _ids: dict[str, list[str]] = field(default_factory=dict)
    _number: int = 1_000_000

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.store.clock = lambda: self.now
        self.store.lag_seconds = self.store.spread_seconds = 0.0
        for name in MAPPED[self.kind]:
            rows = self.store.fetch(
                "SELECT remote_id FROM rows WHERE system = ? AND object = ? ORDER BY seq", [self.kind, name]
            )
            self._ids[name] = [row["remote_id"] for row in rows]

    def make(self, count: int) -> None:
        """``count`` changes, all together before the next answer."""
        until = self.made + count
        with self.store.transaction():
            while self.made < until:
                self._release()
                if self.chance.random() < 0.02:
                    self._tie(min(40, until - self.made))
                else:
                    self._one()
                    self.now += timedelta(seconds=self.chance.uniform(0, 0.2))

    def settle(self) -> None:
        """All late commits are seen, and time goes on."""
        self.now += timedelta(seconds=LATE_SECONDS)
        with self.store.transaction():
            self._release()
        self.now += timedelta(seconds=1)

    # -- kinds of change ---------------------------------------------------------------------------------------

    def _one(self) -> None:
        draw = self.chance.random()
        if draw < 0.10:
            self._create()
        elif draw < 0.16:
            self._delete()
        elif draw < 0.20:
            self._restore()
        elif draw < 0.23:
            self._merge()
        elif draw < 0.235:
            self._purge()
        elif draw < 0.255 and self.kind == "salesforce":
            self._convert()
        elif draw < 0.31:
            self._late_update()
        else:
            self._update(self._some())
        self.made += 1

    def _tie(self, count: int) -> None:
        """Many in one instant, as a mass edit does."""
        for _ in range(count):
            self._update(self._some())
            self.made += 1

    def _update(self, row: Stored | None) -> None:
        if row is None or row.fields.get("IsConverted"):
            return
        names = MAPPED[self.kind][row.object][1]
        field_name = self.chance.choice(sorted(names))
        self._number += 1
        value = _value(self.kind, row.object, field_name, self.chance, self._number)
        if field_name not in ("stage", "last_name", "name", "company") and self.chance.random() < 0.1:
            value = None
        self.store.update(row, {names[field_name][0]: value}, PERSON)

    def _late_update(self) -> None:
        """Stamped now, seen later: a transaction that takes its time, an index that lags."""
        row = self._some()
        if row is None:
            return
        self.store.lag_seconds = 1e9
        if self.chance.random() < 0.3:
            row = self._create()
        else:
            self._update(row)
        self.store.lag_seconds = 0.0
        seen_at = self.now + timedelta(seconds=self.chance.uniform(1, LATE_SECONDS - 1))
        self._late.append((seen_at, row.object, row.remote_id))

    def _create(self) -> Stored:
        name = self._object()
        self._number += 1
        made = _fields(self.kind, name, self.chance, self._number)
        if self.kind == "salesforce":
            remote_id = salesforce_rules.new_id(self.store, name)
        else:
            remote_id = str(self.store.next_number("hubspot"))
        self._ids[name].append(remote_id)
        return self.store.create(self.kind, name, remote_id, made, PERSON)

    def _delete(self) -> None:
        row = self._some()
        if row is not None:
            self.store.set_deleted(row, True, PERSON)

    def _restore(self) -> None:
        row = self._some(deleted=True)
        if row is not None and not row.fields.get("MasterRecordId"):
            self.store.set_deleted(row, False, PERSON)

    def _merge(self) -> None:
        name = self.chance.choice(
            ["Lead", "Contact"] if self.kind == "salesforce" else ["contacts", "companies"]
        )
        winner, loser = self._some(name), self._some(name)
        if winner is None or loser is None or winner.remote_id == loser.remote_id:
            return
        if winner.fields.get("IsConverted") or loser.fields.get("IsConverted"):
            return
        if self.kind == "salesforce":
            salesforce_life.merge(self.store, winner, [loser], PERSON)
        else:
            is_new = self.chance.random() < 0.5
            made = hubspot_merging.merge(self.store, winner, loser, PERSON, new_id=is_new)
            if is_new:
                self._ids[name].append(made.remote_id)

    def _convert(self) -> None:
        lead = self._some("Lead")
        if lead is not None and not lead.fields.get("IsConverted"):
            for name, remote_id in salesforce_life.convert(self.store, lead, PERSON).items():
                self._ids[name].append(remote_id)

    def _purge(self) -> None:
        """Gone for good: no list of the CRM ever says so."""
        if self.kind == "salesforce":
            row = self._some(deleted=True)
            if row is not None and not row.fields.get("MasterRecordId"):
                salesforce_life.purge(self.store, row)
                self.purged.add((row.object, row.remote_id))
        else:
            row = self._some("contacts")
            swallowed = str(row.fields.get(hubspot_merging.MERGED) or "").split(";") if row else []
            if row is not None and len(swallowed) < 4:
                hubspot_merging.forget(self.store, row, PERSON)
                # Whoever was merged into it has left with it: only the survivor names them.
                self.purged |= {(row.object, i) for i in (row.remote_id, *swallowed) if i}

    # -- choosing ----------------------------------------------------------------------------------------------

    def _object(self) -> str:
        names = list(MAPPED[self.kind])
        return self.chance.choices(names, [SHARE[name] for name in names])[0]

    def _some(self, name: str = "", *, deleted: bool = False) -> Stored | None:
        """A random record in that state; None when a few tries found none."""
        for _ in range(20 if deleted else 8):
            of = name or self._object()
            ids = self._ids[of]
            row = self.store.get(self.kind, of, self.chance.choice(ids)) if ids else None
            if row is not None and row.deleted == deleted:
                return row
        return None

    def _release(self) -> None:
        due = [one for one in self._late if one[0] <= self.now]
        if due:
            self._late = [one for one in self._late if one[0] > self.now]
            self.store.executemany(
                "DELETE FROM late WHERE system = ? AND object = ? AND remote_id = ?",
                [(self.kind, name, remote_id) for _, name, remote_id in due],
            )


@contextmanager
def during(changes: Changes, each: int, most: Callable[[], int]) -> Iterator[None]:
    """Before each page of data that is asked for ``each`` changes are made, until ``most()`` are; and the CRM's clock
    is the changes' own."""
    real, real_date = Application.__call__, _Connection.date_time_string

    def call(self: Application, request: Request) -> Response:
        left = min(each, most() - changes.made)
        if left > 0 and _is_data(request):
            changes.make(left)
        return real(self, request)

    def date(self: Any, timestamp: Any = None) -> str:
        return str(real_date(self, changes.now.timestamp() if timestamp is None else timestamp))

    Application.__call__ = call  # type: ignore[method-assign]  # for the length of the test
    _Connection.date_time_string = date  # type: ignore[method-assign]  # for the length of the test
    try:
        yield
    finally:
        Application.__call__ = real  # type: ignore[method-assign]  # as it was
        _Connection.date_time_string = real_date  # type: ignore[method-assign]  # as it was


def _is_data(request: Request) -> bool:
    path = request.path
    return "/query" in path or path.endswith("/search") or path.startswith("/crm/v3/objects/")
