"""Demo Salesforce's part of the pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from integrations.standins.load import API_USER_ID, INTEGRATION_USER_ID
from integrations.standins.pages.crm import Crm, ObjectPage, PageFault, Person
from integrations.standins.salesforce_api import full_row
from integrations.standins.salesforce_life import CHILDREN, MERGEABLE, convert, delete_whole, merge, undelete
from integrations.standins.salesforce_rules import RuleError, create, picklist, update
from integrations.standins.store import Actor, Fields, Stored
from integrations.standins.world import salesforce_id_18

_SYSTEM_FIELDS = (
    "CreatedById",
    "CreatedDate",
    "Id",
    "IsDeleted",
    "LastModifiedById",
    "LastModifiedDate",
    "SystemModstamp",
)


class SalesforceCrm(Crm):
    system = slug = "salesforce"
    name = "Demo Salesforce"
    band = "A stand-in for Salesforce with invented data. Not connected to Salesforce."
    loggable = ("Lead", "Contact", "Opportunity", "Account")
    pages = {
        p.name: p
        for p in (
            ObjectPage(
                "Lead", "Lead", "Leads", ("Company", "Status", "LeadSource", "OwnerId", "LastModifiedDate")
            ),
            ObjectPage(
                "Contact",
                "Contact",
                "Contacts",
                ("AccountId", "Title", "Email", "OwnerId", "LastModifiedDate"),
            ),
            ObjectPage("Account", "Account", "Accounts", ("Type", "Industry", "OwnerId", "LastModifiedDate")),
            ObjectPage(
                "Opportunity",
                "Opportunity",
                "Opportunities",
                ("AccountId", "StageName", "Amount", "CloseDate", "OwnerId"),
            ),
            ObjectPage("Task", "Task", "Tasks", ("Status", "ActivityDate", "WhoId", "WhatId", "OwnerId")),
            ObjectPage("Event", "Event", "Events", ("StartDateTime", "WhoId", "WhatId", "OwnerId")),
            ObjectPage("Campaign", "Campaign", "Campaigns", ("Type", "Status", "StartDate")),
            ObjectPage("User", "User", "Users", ("Title", "Email", "IsActive")),
            ObjectPage("Group", "Queue", "Queues", ("Type",)),
            ObjectPage(
                "Report", "Report", "Reports", ("FolderName", "ReportType", "GroupedBy", "LastModifiedDate")
            ),
            ObjectPage(
                "Dashboard", "Dashboard", "Dashboards", ("FolderName", "Components", "LastModifiedDate")
            ),
            ObjectPage(
                "ValidationRule",
                "Validation Rule",
                "Validation Rules",
                ("EntityDefinitionId", "Active", "ErrorMessage", "LastModifiedDate"),
            ),
        )
    }

    def people(self) -> list[Person]:
        found = self.store.all_of(
            "salesforce",
            "User",
            "json_extract(fields, '$.IsActive') AND remote_id NOT IN (?, ?)",
            [INTEGRATION_USER_ID, API_USER_ID],
        )
        people = [Person(r.remote_id, str(r.fields.get("Name"))) for r in found]
        return people or [Person(INTEGRATION_USER_ID, "Demo person")]

    def owner_of(self, row: Stored) -> str:
        return str(row.fields.get("OwnerId") or "")

    def actor(self, person_id: str) -> Actor:
        people = self.people()
        known = next((p for p in people if p.id == person_id), people[0])
        return Actor(known.id, "CRM_UI")

    def actor_name(self, by: str, source: str) -> str:
        found = self.store.get("salesforce", "User", by) if by else None
        name = str(found.fields.get("Name")) if found else "Salesforce"
        return f"{name} (by API)" if source == "API" else name

    def record_name(self, row: Stored) -> str:
        return str(
            row.fields.get("Name")
            or row.fields.get("Subject")
            or row.fields.get("ValidationName")
            or row.remote_id
        )

    def values(self, row: Stored) -> Fields:
        return full_row(row)

    def group_of(self, definition: Fields) -> str:
        if definition["name"] in _SYSTEM_FIELDS:
            return "System information"
        return "Converted to" if definition["name"].startswith("Converted") else "Details"

    def is_editable(self, definition: Fields) -> bool:
        return bool(definition.get("updateable", True)) and not definition.get("calculated")

    def choices(self, object_name: str, definition: Fields) -> list[tuple[str, str]]:
        if definition["name"] == "OwnerId":
            queues = (
                self.store.all_of("salesforce", "Group")
                if "Group" in definition.get("reference_to", [])
                else []
            )
            return [(q.remote_id, f"{q.fields.get('Name')} (queue)") for q in queues] + [
                (p.id, p.name) for p in self.people()
            ]
        if definition["type"] in ("picklist", "multipicklist"):
            return [(v["value"], v["label"]) for v in picklist(definition)]
        return []

    def target(self, definition: Fields, value: Any) -> tuple[str, str] | None:
        if definition["type"] != "reference" or not value:
            return None
        row = self.store.find("salesforce", str(value))
        return (self.record_name(row), self.href(row)) if row else None

    def create(self, object_name: str, fields: Fields, actor: Actor) -> Stored:
        try:
            return create(self.store, object_name, fields, actor)
        except RuleError as rule:
            raise PageFault(_words(rule)) from None

    def update(self, row: Stored, fields: Fields, actor: Actor) -> Stored:
        try:
            return update(self.store, row, fields, actor)
        except RuleError as rule:
            raise PageFault(_words(rule)) from None

    def log(self, row: Stored, kind: str, subject: str, notes: str, when: datetime, actor: Actor) -> None:
        link = "WhoId" if row.object in ("Lead", "Contact") else "WhatId"
        common: Fields = {link: row.remote_id, "OwnerId": actor.by, "Description": notes}
        if kind == "meeting":
            end = when + timedelta(minutes=30)
            times = {
                "StartDateTime": when.isoformat(),
                "EndDateTime": end.isoformat(),
                "DurationInMinutes": 30,
            }
            self.create(
                "Event", {**common, **times, "Subject": subject or "Meeting", "Type": "Meeting"}, actor
            )
            return
        call = {
            "Status": "Completed",
            "TaskSubtype": "Call",
            "CallType": "Outbound",
            "Type": "Call",
            "Priority": "Normal",
        }
        self.create(
            "Task",
            {**common, **call, "Subject": subject or "Call", "ActivityDate": when.date().isoformat()},
            actor,
        )

    def acts(self, row: Stored) -> list[tuple[str, str]]:
        if row.deleted:
            return [] if row.fields.get("MasterRecordId") else [("undelete", "Undelete")]
        if row.object not in CHILDREN:
            return []
        out = [("delete", "Delete")]
        if row.object == "Lead" and not row.fields.get("IsConverted"):
            out.append(("convert", "Convert"))
        return [*out, ("merge", "Merge with the record of this id:")] if row.object in MERGEABLE else out

    def act(self, row: Stored, act: str, other: str, actor: Actor) -> Stored:
        if act not in dict(self.acts(row)):
            raise PageFault("That can't be done with this record.")
        try:
            if act == "convert":
                made = convert(self.store, row, actor)
                return self.store.get("salesforce", "Opportunity", made["Opportunity"]) or row
            if act == "merge":
                loser = self.store.get("salesforce", row.object, salesforce_id_18(other.strip()))
                if loser is None:
                    raise PageFault(f"There is no {row.object} {other}.")
                merge(self.store, row, [loser], actor)
            elif act == "delete":
                delete_whole(self.store, row, actor)
            else:
                undelete(self.store, row, actor)
        except RuleError as rule:
            raise PageFault(_words(rule)) from None
        return row

    def activities(self, row: Stored) -> list[Fields]:
        where = "? IN (json_extract(fields, '$.WhoId'), json_extract(fields, '$.WhatId'))"
        out = []
        for kind in ("Task", "Event"):
            for item in self.store.all_of("salesforce", kind, where, [row.remote_id]):
                at = (
                    item.fields.get("StartDateTime")
                    or item.fields.get("CompletedDateTime")
                    or item.fields.get("ActivityDate")
                )
                out.append(
                    {
                        "at": str(at or item.created),
                        "kind": item.fields.get("TaskSubtype") or kind,
                        "name": self.record_name(item),
                        "text": item.fields.get("Description"),
                        "by": self.actor_name(str(item.fields.get("OwnerId") or ""), ""),
                        "href": self.href(item),
                    }
                )
        return sorted(out, key=lambda a: str(a["at"]), reverse=True)

    def related(self, row: Stored) -> list[Fields]:
        kinds = {"Account": ("Contact", "Opportunity"), "Opportunity": ("OpportunityContactRole",)}.get(
            row.object, ()
        )
        out = []
        for kind in kinds:
            where = f"json_extract(fields, '$.{row.object}Id') = ?"
            for item in self.store.all_of("salesforce", kind, where, [row.remote_id])[:50]:
                shown: Stored | None = item
                if kind == "OpportunityContactRole":
                    shown = self.store.find("salesforce", str(item.fields.get("ContactId") or ""))
                if shown is not None:
                    label = str(item.fields.get("Role") or self.pages[shown.object].label)
                    out.append({"kind": label, "name": self.record_name(shown), "href": self.href(shown)})
        return out


def _words(rule: RuleError) -> str:
    """What the page says of a refused save: a validation rule's own message, anything else with its code."""
    if rule.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION":
        return "Review the errors on this page. " + " ".join(r.message for r in rule.every())
    return f"{rule.code}: {rule.message}"
