"""Takes a world into the store, once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from integrations.standins.forms import hubspot_value, salesforce_value, stamp
from integrations.standins.hubspot_schema import (
    GROUP_LABELS,
    HUBSPOT_OBJECTS,
    HUBSPOT_PROPERTIES,
    PIPELINES,
    hubspot_system_properties,
    opposite_type,
)
from integrations.standins.schema import (
    HISTORY_OBJECTS,
    SALESFORCE_FIELDS,
    history_fields,
    salesforce_system_fields,
)
from integrations.standins.store import Store
from integrations.standins.world import HubspotProperty, Row, World, salesforce_id

ORGANIZATION_ID = salesforce_id("00D", 1)
INTEGRATION_USER_ID = salesforce_id("005", 900_000)
"""Whoever wrote what no person wrote: the CRMs' own sync. Not gtmops, whose writes must be told apart."""
API_USER_ID = salesforce_id("005", 900_001)
"""The user of every API session."""
SNAPSHOT_FIELDS = ("StageName", "Amount", "Probability", "CloseDate")
"""A change of one of these makes a row of OpportunityHistory."""


def is_loaded(store: Store) -> bool:
    return bool(store.meta("loaded", False))


def complete_schema(store: Store) -> None:
    """Give a store that an earlier version filled the objects that the CRMs have by now."""
    _complete_hubspot(store)
    known = set(store.objects("salesforce"))
    for name, definitions in SALESFORCE_FIELDS.items() if known else ():
        if name not in known:
            store.put_fields("salesforce", name, salesforce_system_fields(name))
        held = store.schema("salesforce", name)
        store.put_fields("salesforce", name, [d for d in definitions if d["name"] not in held])


def _complete_hubspot(store: Store) -> None:
    known = set(store.objects("hubspot"))
    groups = store.meta("groups", {})
    for kind in HUBSPOT_OBJECTS.keys() - known if known else ():
        definitions = [*hubspot_system_properties(kind), *HUBSPOT_PROPERTIES[kind]]
        groups[kind] = _put_properties(store, kind, definitions)
        store.set_meta("groups", groups)
        store.set_meta("pipelines", complete_pipelines(store.meta("pipelines", [])))


def _put_properties(store: Store, kind: str, definitions: list[HubspotProperty]) -> dict[str, str]:
    """Define them and return the labels of their groups."""
    group = HUBSPOT_OBJECTS[kind].group
    store.put_fields("hubspot", kind, [{"groupName": group, **d} for d in definitions])
    names = [group, *(d["groupName"] for d in definitions if "groupName" in d)]
    return {name: GROUP_LABELS.get(name) or name.replace("_", " ").capitalize() for name in names}


def complete_pipelines(own: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A world's pipelines, and HubSpot's own for each object type that it gives none."""
    given = [dict(p) for p in own]
    known = {p.get("object_type", "deals") for p in given}
    return [*given, *(p for p in PIPELINES if p["object_type"] not in known)]


def load_world(store: Store, world: World) -> None:
    """Fill an empty store in one transaction; a store that is already filled stays as it is."""
    with store.transaction():
        if is_loaded(store):
            return
        _load_schema(store, world)
        _load_people(store, world)
        for object_name, rows in world["salesforce"].items():
            _load_rows(store, "salesforce", object_name, rows)
        if "OpportunityHistory" not in world["salesforce"]:
            _load_snapshots(store, world["salesforce"].get("Opportunity", []))
        for object_type, rows in world["hubspot"].items():
            _load_rows(store, "hubspot", object_type, rows)
        store.associate(link for t, rows in world["hubspot"].items() for link in _links(t, rows))
        store.set_meta("pipelines", complete_pipelines(world.get("pipelines", [])))
        store.set_meta(
            "live_leads",
            [
                {
                    "contact_id": lead["contact_id"],
                    "properties": {k: hubspot_value(v) for k, v in lead["properties"].items()},
                }
                for lead in world.get("live_leads", [])
            ],
        )
        ids = [int(r["id"]) for rows in world["hubspot"].values() for r in rows if r["id"].isdigit()]
        store.set_meta("counter:hubspot", max([*ids, 100_000]))
        store.set_meta("loaded", True)


def _load_schema(store: Store, world: World) -> None:
    schema = world.get("schema", {})
    theirs = schema.get("salesforce", {})
    for name in dict.fromkeys([*SALESFORCE_FIELDS, *theirs, *world["salesforce"]]):
        store.put_fields("salesforce", name, salesforce_system_fields(name))
        store.put_fields("salesforce", name, SALESFORCE_FIELDS.get(name, []))
        store.put_fields("salesforce", name, theirs.get(name, []))
    for name, (_, parent, _) in HISTORY_OBJECTS.items():
        store.put_fields("salesforce", name, history_fields(parent))
    ours = schema.get("hubspot", {})
    groups: dict[str, dict[str, str]] = {}
    for kind in HUBSPOT_OBJECTS:
        definitions = [*hubspot_system_properties(kind), *HUBSPOT_PROPERTIES[kind], *ours.get(kind, [])]
        groups[kind] = _put_properties(store, kind, definitions)
    store.set_meta("groups", groups)


def _load_people(store: Store, world: World) -> None:
    users: list[dict[str, Any]] = [dict(u) for u in world.get("users", [])]
    users += [
        {
            "id": i,
            "first_name": name,
            "last_name": "Integration",
            "email": f"{name}@fernhill.example".lower(),
            "active": True,
        }
        for i, name in ((INTEGRATION_USER_ID, "HubSpot"), (API_USER_ID, "gtmops"))
    ]
    start = stamp("salesforce", store.clock())
    roles = {
        name: salesforce_id("00E", n)
        for n, name in enumerate(dict.fromkeys(str(u["role"]) for u in users if u.get("role")), start=1)
    }
    rows = [
        (
            "User",
            u["id"],
            {
                "FirstName": u["first_name"],
                "LastName": u["last_name"],
                "Name": f"{u['first_name']} {u['last_name']}",
                "Username": u["email"],
                "Email": u["email"],
                "Title": u.get("title"),
                "Department": u.get("department"),
                "IsActive": u["active"],
                "ManagerId": u.get("manager_id"),
                "UserRoleId": roles.get(str(u.get("role") or "")),
                "UserType": "Standard",
                "TimeZoneSidKey": u.get("time_zone", "America/Chicago"),
            },
        )
        for u in users
    ]
    rows += [
        ("UserRole", i, {"Name": name, "DeveloperName": name.replace(" ", "_")}) for name, i in roles.items()
    ]
    queues = world.get("queues", [])
    members = [(q["id"], member) for q in queues for member in q["members"]]
    rows += [
        ("Group", q["id"], {"Name": q["name"], "DeveloperName": q["name"].replace(" ", "_"), "Type": "Queue"})
        for q in queues
    ]
    rows += [
        ("GroupMember", salesforce_id("011", n), {"GroupId": group, "UserOrGroupId": member})
        for n, (group, member) in enumerate(members, start=1)
    ]
    organization = {
        "Name": "Fernhill",
        "IsSandbox": True,
        "OrganizationType": "Developer Edition",
        "InstanceName": "DEMO1",
        "TimeZoneSidKey": "America/Chicago",
        "DefaultLocaleSidKey": "en_US",
        "FiscalYearStartMonth": 2,
    }
    rows.append(("Organization", ORGANIZATION_ID, organization))
    by = {"CreatedById": INTEGRATION_USER_ID, "LastModifiedById": INTEGRATION_USER_ID}
    store.executemany(
        "INSERT INTO rows (system, object, remote_id, fields, created, modified) VALUES ('salesforce', ?, ?, ?, ?, ?)",
        [(name, i, json.dumps({**fields, **by}), start, start) for name, i, fields in rows],
    )
    assigner = next((q["id"] for q in queues if q.get("assigns_leads")), queues[0]["id"] if queues else None)
    store.set_meta("assignment_owner", assigner)
    store.set_meta("owners", [dict(o) for o in world.get("owners", [])])


def _load_rows(store: Store, system: str, object_name: str, rows: list[Row]) -> None:
    write = salesforce_value if system == "salesforce" else hubspot_value
    values = []
    changes: list[tuple[str, ...]] = []
    for row in rows:
        fields = {k: write(v) for k, v in row["fields"].items()}
        if system == "salesforce":
            fields.setdefault("CreatedById", fields.get("OwnerId") or INTEGRATION_USER_ID)
            last = max(row.get("history", []), key=lambda c: c["at"], default=None)
            fields.setdefault("LastModifiedById", (last["by"] if last else "") or fields["CreatedById"])
            if object_name in ("Lead", "Contact"):
                name = " ".join(str(fields[k]) for k in ("FirstName", "LastName") if fields.get(k))
                fields.setdefault("Name", name)
        values.append(
            (
                system,
                object_name,
                row["id"],
                json.dumps(fields),
                stamp(system, row["created"]),
                stamp(system, row["modified"]),
                int(row.get("deleted", False)),
            )
        )
        changes += [
            (
                system,
                object_name,
                row["id"],
                c["field"],
                json.dumps(write(c["old"])),
                json.dumps(write(c["new"])),
                stamp(system, c["at"]),
                c["by"] or (INTEGRATION_USER_ID if system == "salesforce" else ""),
                "CRM_UI" if c["by"] else "AUTOMATION_PLATFORM",
            )
            for c in row.get("history", [])
        ]
    store.executemany(
        "INSERT INTO rows (system, object, remote_id, fields, created, modified, deleted) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    changes.sort(key=lambda c: c[6])
    store.executemany(
        "INSERT INTO history (system, object, remote_id, field, old, new, at, by, source)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        changes,
    )


def _load_snapshots(store: Store, opportunities: list[Row]) -> None:
    """OpportunityHistory: one full picture at creation and after each change of stage, amount, odds or close date."""
    values = []
    number = 0
    for row in opportunities:
        for at, by, picture in _pictures(row):
            number += 1
            text = stamp("salesforce", at)
            fields = {
                "OpportunityId": row["id"],
                "CreatedById": by or INTEGRATION_USER_ID,
                **{k: salesforce_value(v) for k, v in picture.items()},
            }
            values.append((salesforce_id("008", number), json.dumps(fields), text, text))
    store.executemany(
        "INSERT INTO rows (system, object, remote_id, fields, created, modified)"
        " VALUES ('salesforce', 'OpportunityHistory', ?, ?, ?, ?)",
        values,
    )
    store.set_meta("counter:008", number)


def _pictures(row: Row) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    changes = [c for c in row.get("history", []) if c["field"] in SNAPSHOT_FIELDS and c["old"] is not None]
    changes.sort(key=lambda c: c["at"])
    picture: dict[str, Any] = {k: row["fields"].get(k) for k in SNAPSHOT_FIELDS}
    for change in reversed(changes):
        picture[change["field"]] = change["old"]
    yield row["created"], str(row["fields"].get("OwnerId") or ""), dict(picture)
    for n, change in enumerate(changes):
        picture[change["field"]] = change["new"]
        if n + 1 == len(changes) or changes[n + 1]["at"] != change["at"]:
            yield change["at"], change["by"], dict(picture)


def _links(from_type: str, rows: list[Row]) -> Iterator[tuple[str, str, str, str, int]]:
    for row in rows:
        for link in row.get("associations", []):
            to_type, to_id, type_id = link["to_type"], link["to_id"], link["type_id"]
            yield from_type, row["id"], to_type, to_id, type_id
            yield to_type, to_id, from_type, row["id"], opposite_type(type_id, from_type, to_type)
