"""The demo: Fernhill's people, its two CRMs, and the starter model, as a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from integrations.standins.fernhill.people import BUSINESS_UNITS, DEMO_PEOPLE, PEOPLE, PERSON
from integrations.standins.fernhill.stories.story_07_leave import leave
from teams.demo import PASSWORD

WEBHOOK_SECRET = "fernhill-demo-webhooks"  # noqa: S105 - between the demo's own two processes
HISTORY_DAYS = 400
LIVE_DAYS = 2

TEAMS = {
    "Marketing": ("marketing", "Marketing", "marketing"),
    "SDR": ("sdr", "SDR", "sdr"),
    "AE": ("sales", "Sales", "sales"),
    "CS": ("cs", "Customer Success", "cs"),
    "RevOps": ("revops", "RevOps", "revops"),
    "Executive": ("executive", "Executives", "other"),
}
"""Fernhill's name of a team -> (key, name, purpose) here."""

SYSTEM_ADMIN = "avery.stonewell@fernhill.example"
"""Runs the installation; not one of the people who sell."""

ROLE_WORDS = {
    "revops_admin": "RevOps admin",
    "sdr": "SDR (Austin)",
    "ae": "AE (Berlin)",
    "cs_manager": "CS manager",
    "sdr_manager": "SDR manager",
    "cro": "CRO",
    "cmo": "CMO",
}


def demo_seed(base_url: str, now: datetime) -> dict[str, Any]:
    """The seed of the demo, with both CRMs answering at ``base_url``."""
    return {
        "business_units": [{"key": key, "name": name} for key, name in BUSINESS_UNITS.items()],
        "teams": [{"key": key, "name": name, "purpose": purpose} for key, name, purpose in TEAMS.values()],
        "people": list(_people(now)),
        "absences": [_leave(now)],
        "connections": list(_connections(base_url, now)),
        "starter_model": "sql_before_sal",
        "starter_additions": {
            "calendars": {"berlin": {"people": _berlin_sdrs()}},
            "pipelines": {key: {"moves_in_gtmops": True} for key in ("new_business", "expansion")},
        },
        "effective_from": now - timedelta(days=HISTORY_DAYS),
    }


def sign_ins() -> list[tuple[str, str]]:
    """(role in words, e-mail) of each demo sign-in; all have one password."""
    return [
        *((ROLE_WORDS[role], email) for role, email in DEMO_PEOPLE.items()),
        ("System admin", SYSTEM_ADMIN),
    ]


def _people(now: datetime) -> Iterator[dict[str, Any]]:
    can_sign_in = set(DEMO_PEOPLE.values())
    for person in PEOPLE:
        row: dict[str, Any] = {
            "email": person.email,
            "name": person.name,
            "role": person.role,
            "job_title": person.title,
            "team": TEAMS[person.team][0],
            "time_zone": person.time_zone,
            "business_units": list(person.units),
            "since": now - timedelta(days=3 * 365),
        }
        if person.manager:
            row["manager"] = PERSON[person.manager].email
        if not person.active:
            row["is_active"] = False
        if person.email in can_sign_in:
            row["password"] = PASSWORD
        yield row
    yield {
        "email": SYSTEM_ADMIN,
        "name": "Avery Stonewell",
        "role": "system_admin",
        "job_title": "IT operations",
        "team": "revops",
        "time_zone": "America/Chicago",
        "business_units": list(BUSINESS_UNITS),
        "since": now - timedelta(days=3 * 365),
        "password": PASSWORD,
    }


def _berlin_sdrs() -> list[str]:
    """The SDR team works in two offices; its calendar is Austin's."""
    return [p.email for p in PEOPLE if p.team == "SDR" and p.office == "Berlin" and p.active]


def _leave(now: datetime) -> dict[str, Any]:
    """The leave of story 7, nobody covering."""
    away = leave(now)
    return {
        "person": away.person.email,
        "starts_at": away.begin,
        "ends_at": away.back,
        "entered_at": away.entered_at,
    }


def _connections(base_url: str, now: datetime) -> Iterator[dict[str, Any]]:
    text = (Path(__file__).parent / "connections.yaml").read_text("utf-8")
    said = YAML(typ="safe").load(text)
    secrets = {
        "hubspot": {"access_token": "pat-demo-fernhill", "client_secret": WEBHOOK_SECRET},
        "salesforce": {
            "consumer_key": "fernhill-demo",
            "consumer_secret": "fernhill-demo",
            "domain": "fernhill.my",
        },
    }
    for name, spec in said["connections"].items():
        yield {
            "name": name,
            "label": spec["label"],
            "kind": spec["kind"],
            "source_order": spec["source_order"],
            "base_url": base_url,
            "record_url": spec["record_url"].replace("{base}", base_url),
            "method": spec["method"],
            "secret": secrets[name],
            "go_live_at": now - timedelta(days=LIVE_DAYS),
            "is_writing": True,
            "is_writing_stage": True,
            "is_writing_fields": True,
            "is_writing_owner": True,
            "mappings": list(_mappings(said["fields"], spec["objects"])),
            "switches": True,
        }


def _mappings(fields: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for remote_object, spec in objects.items():
        for name, place in spec["fields"].items():
            told = {"from": place} if isinstance(place, str) else place
            kind = fields[spec["object"]][name]
            yield {
                "object": spec["object"],
                "remote_object": remote_object,
                "field": name,
                "remote_name": told["from"],
                "type": kind["type"],
                "label": kind["label"],
                "options": kind.get("options", []),
                "personal": kind.get("personal", False),
                "has_history": told.get("history", False),
                "links_to": told.get("links_to", ""),
                "value_map": told.get("values", {}),
            }
