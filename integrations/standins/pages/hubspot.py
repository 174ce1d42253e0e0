"""Demo HubSpot's part of the pages, with the live lead of story 17."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from integrations.standins.forms import hubspot_stamp
from integrations.standins.hubspot_rules import RuleError, create, options, update
from integrations.standins.hubspot_schema import HUBSPOT_OBJECTS, association_type
from integrations.standins.pages.crm import Crm, ObjectPage, PageFault, Person
from integrations.standins.store import Actor, Fields, Stored

_FIRST_NAMES = ("Imke", "Tobin", "Rosalba", "Jorun", "Pavla", "Ansel", "Mireia", "Corvin", "Thandi", "Lubo")
_LAST_NAMES = (
    "Vantreese",
    "Okolie",
    "Harnwick",
    "Sandvoll",
    "Brezko",
    "Quillfeather",
    "Ostermoor",
    "Dunmarra",
)
_COMPANIES = (
    "Larkspur Freight",
    "Tidewell Haulage",
    "Moorgate Vans",
    "Cobalt Courier",
    "Northlode Transport",
)
_NOT_COPIED = (
    "email",
    "firstname",
    "lastname",
    "company",
    "phone",
    "mobilephone",
    "associatedcompanyid",
    "salesforceleadid",
    "num_contacted_notes",
)
_ENGAGEMENTS = {
    "calls": ("Call", "hs_call_title", "hs_call_body"),
    "meetings": ("Meeting", "hs_meeting_title", "hs_meeting_body"),
    "emails": ("E-mail", "hs_email_subject", "hs_email_text"),
    "notes": ("Note", "hs_note_body", "hs_note_body"),
    "tasks": ("Task", "hs_task_subject", "hs_task_body"),
}


class HubspotCrm(Crm):
    system = slug = "hubspot"
    name = "Demo HubSpot"
    band = "A stand-in for HubSpot with invented data. Not connected to HubSpot."
    loggable = ("contacts", "companies", "deals")
    pages = {
        p.name: p
        for p in (
            ObjectPage(
                "contacts",
                "Contact",
                "Contacts",
                ("email", "company", "lifecyclestage", "hubspot_owner_id", "lastmodifieddate"),
            ),
            ObjectPage(
                "companies",
                "Company",
                "Companies",
                ("domain", "industry", "hubspot_owner_id", "hs_lastmodifieddate"),
            ),
            ObjectPage("deals", "Deal", "Deals", ("dealstage", "amount", "closedate", "hubspot_owner_id")),
            ObjectPage("calls", "Call", "Calls", ("hs_timestamp", "hs_call_status", "hubspot_owner_id")),
            ObjectPage(
                "meetings", "Meeting", "Meetings", ("hs_timestamp", "hs_meeting_outcome", "hubspot_owner_id")
            ),
            ObjectPage(
                "emails", "E-mail", "E-mails", ("hs_timestamp", "hs_email_direction", "hubspot_owner_id")
            ),
            ObjectPage("notes", "Note", "Notes", ("hs_timestamp", "hubspot_owner_id")),
            ObjectPage("tasks", "Task", "Tasks", ("hs_timestamp", "hs_task_status", "hubspot_owner_id")),
            ObjectPage("leads", "Lead", "Leads", ("hs_pipeline_stage", "hs_lead_label", "hubspot_owner_id")),
        )
    }

    def people(self) -> list[Person]:
        owners = [o for o in self.store.meta("owners", []) if not o["archived"]]
        return [Person(o["id"], f"{o['first_name']} {o['last_name']}") for o in owners] or [
            Person("", "Demo person")
        ]

    def _owner(self, owner_id: str) -> Fields | None:
        return next((o for o in self.store.meta("owners", []) if o["id"] == owner_id), None)

    def owner_of(self, row: Stored) -> str:
        return str(row.fields.get("hubspot_owner_id") or "")

    def actor(self, person_id: str) -> Actor:
        people = self.people()
        known = next((p for p in people if p.id == person_id), people[0])
        owner = self._owner(known.id)
        return Actor(str(owner["user_id"]) if owner else "", "CRM_UI")

    def actor_name(self, by: str, source: str) -> str:
        owner = next((o for o in self.store.meta("owners", []) if str(o["user_id"]) == by), None)
        name = f"{owner['first_name']} {owner['last_name']}" if owner else ""
        if source in ("API", "INTEGRATION"):
            return f"{name or 'Integration'} (by API)"
        return name or ("Website form" if source == "FORM" else "HubSpot")

    def record_name(self, row: Stored) -> str:
        f = row.fields
        person = " ".join(str(f[k]) for k in ("firstname", "lastname") if f.get(k))
        own = f.get(_ENGAGEMENTS[row.object][1]) if row.object in _ENGAGEMENTS else None
        return str(
            person
            or f.get("name")
            or f.get("dealname")
            or f.get("hs_lead_name")
            or own
            or f.get("email")
            or f.get("domain")
            or row.remote_id
        )[:120]

    def values(self, row: Stored) -> Fields:
        meta = HUBSPOT_OBJECTS[row.object]
        return {
            **row.fields,
            "hs_object_id": row.remote_id,
            meta.created: row.created,
            meta.modified: row.modified,
        }

    def group_of(self, definition: Fields) -> str:
        if definition.get("hidden") or definition.get("calculated"):
            return "Calculated by HubSpot"
        groups = {n: label for kind in self.store.meta("groups", {}).values() for n, label in kind.items()}
        return str(groups.get(definition["groupName"], definition["groupName"]))

    def is_editable(self, definition: Fields) -> bool:
        return not definition.get("readOnly")

    def choices(self, object_name: str, definition: Fields) -> list[tuple[str, str]]:
        if definition["type"] != "enumeration":
            return []
        return [(o["value"], o["label"]) for o in options(self.store, object_name, definition)]

    def target(self, definition: Fields, value: Any) -> tuple[str, str] | None:
        if definition["name"] != "associatedcompanyid" or not value:
            return None
        row = self.store.get("hubspot", "companies", str(value))
        return (self.record_name(row), self.href(row)) if row else None

    def create(self, object_name: str, fields: Fields, actor: Actor) -> Stored:
        try:
            return create(self.store, object_name, fields, actor)
        except RuleError as rule:
            raise PageFault(str(rule)) from None

    def update(self, row: Stored, fields: Fields, actor: Actor) -> Stored:
        try:
            return update(self.store, row, fields, actor)
        except RuleError as rule:
            raise PageFault(str(rule)) from None

    def log(self, row: Stored, kind: str, subject: str, notes: str, when: datetime, actor: Actor) -> None:
        owner = next((o for o in self.store.meta("owners", []) if str(o["user_id"]) == actor.by), None)
        at = hubspot_stamp(when)
        common: Fields = {"hs_timestamp": at, "hubspot_owner_id": owner["id"] if owner else None}
        if kind == "meeting":
            kind_of, fields = (
                "meetings",
                {
                    "hs_meeting_title": subject or "Meeting",
                    "hs_meeting_body": notes,
                    "hs_meeting_start_time": at,
                    "hs_meeting_end_time": hubspot_stamp(when + timedelta(minutes=30)),
                    "hs_meeting_outcome": "COMPLETED" if when <= self.store.clock() else "SCHEDULED",
                },
            )
        else:
            kind_of, fields = (
                "calls",
                {
                    "hs_call_title": subject or "Call",
                    "hs_call_body": notes,
                    "hs_call_direction": "OUTBOUND",
                    "hs_call_status": "COMPLETED",
                },
            )
        link = {
            "to": {"id": row.remote_id},
            "types": [{"associationTypeId": association_type(kind_of, row.object)}],
        }
        try:
            create(self.store, kind_of, {**common, **fields}, actor, [link])
        except RuleError as rule:
            raise PageFault(str(rule)) from None

    def activities(self, row: Stored) -> list[Fields]:
        out = []
        for kind, (label, _, body) in _ENGAGEMENTS.items():
            ids = [a["to_id"] for a in self.store.associated(row.object, [row.remote_id], kind)]
            for item in self.store.get_many("hubspot", kind, ids).values():
                owner = self._owner(str(item.fields.get("hubspot_owner_id") or ""))
                name = self.record_name(item)
                text = item.fields.get(body)
                out.append(
                    {
                        "at": str(item.fields.get("hs_timestamp") or item.created),
                        "kind": label,
                        "name": name,
                        "text": None if text == name else text,
                        "by": f"{owner['first_name']} {owner['last_name']}" if owner else "",
                        "href": self.href(item),
                    }
                )
        return sorted(out, key=lambda a: str(a["at"]), reverse=True)

    def related(self, row: Stored) -> list[Fields]:
        out: list[Fields] = []
        for kind in ("contacts", "companies", "deals"):
            ids = dict.fromkeys(a["to_id"] for a in self.store.associated(row.object, [row.remote_id], kind))
            rows = list(self.store.get_many("hubspot", kind, ids).values())[:50]
            out += [
                {"kind": self.pages[kind].label, "name": self.record_name(r), "href": self.href(r)}
                for r in rows
            ]
        return out

    # -- story 17 ------------------------------------------------------------------------------------------

    def make_live_lead(self) -> Stored:
        """Someone requests a demo now: the next prepared contact, or a new one made after the last of them."""
        actor = Actor("", "FORM")
        with self.store.transaction():
            prepared = self.store.meta("live_leads", [])
            used = int(self.store.meta("live_leads_used", 0))
            self.store.set_meta("live_leads_used", used + 1)
            pattern = prepared[min(used, len(prepared) - 1)] if prepared else None
            asked = self._request(
                pattern["properties"] if pattern else {"lifecyclestage": "marketingqualifiedlead"}
            )
            contact = self.store.get("hubspot", "contacts", pattern["contact_id"]) if pattern else None
            if contact is not None and used < len(prepared) and not contact.deleted:
                return update(self.store, contact, asked, actor)
            return create(self.store, "contacts", {**self._new_person(used, contact), **asked}, actor)

    def _request(self, properties: Fields) -> Fields:
        now = hubspot_stamp(self.store.clock())
        known = self.store.schema("hubspot", "contacts")
        asked = {"recent_conversion_event_name": "Demo request", "recent_conversion_date": now, **properties}
        # A date in the prepared properties was written with the world; the request happens now.
        return {k: now if known[k]["type"] == "datetime" and v else v for k, v in asked.items() if k in known}

    def _new_person(self, number: int, like: Stored | None) -> Fields:
        first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
        last = _LAST_NAMES[(number // len(_FIRST_NAMES) + number) % len(_LAST_NAMES)]
        known = self.store.schema("hubspot", "contacts")
        kept = like.fields if like else {}
        copied = {
            k: v
            for k, v in kept.items()
            if k in known
            and k not in _NOT_COPIED
            and known[k]["type"] != "datetime"
            and not known[k].get("calculated")
        }
        # Where the pattern stands is where the person ended; the new one begins as a lead.
        copied.pop("lifecyclestage", None)
        return {
            **{k: v for k, v in copied.items() if not k.startswith(("gtm", "hs_object"))},
            "firstname": first,
            "lastname": last,
            "company": _COMPANIES[number % len(_COMPANIES)],
            "email": f"{first}.{last}.{number + 1}@live-lead.example".lower(),
        }
