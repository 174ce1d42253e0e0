"""What people do in Salesforce beyond saving a record: convert and merge, delete with all that hangs on it, undelete.

The stamps follow recorded conversions: what a lead becomes is a second older than the lead's own last change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from integrations.standins.forms import salesforce_stamp
from integrations.standins.salesforce_rules import SYSTEM, RuleError, create, new_id, picklist
from integrations.standins.store import Actor, Fields, Store, Stored

MERGEABLE = ("Lead", "Contact", "Account")
CHILDREN = {
    "Account": (("Contact", "AccountId"), ("Opportunity", "AccountId")),
    "Opportunity": (("OpportunityContactRole", "OpportunityId"),),
    "Campaign": (("CampaignMember", "CampaignId"),),
    "Lead": (("CampaignMember", "LeadId"), ("Task", "WhoId"), ("Event", "WhoId")),
    "Contact": (
        ("CampaignMember", "ContactId"), ("OpportunityContactRole", "ContactId"), ("Task", "WhoId"), ("Event", "WhoId"),
    ),
}  # fmt: skip
"""What goes with a deleted record, and what a merge hangs on the winner."""


def convert(store: Store, lead: Stored, actor: Actor, *, with_opportunity: bool = True) -> dict[str, str]:
    """Make a lead an account, a contact and an opportunity; ids by object. Raises RuleError."""
    if lead.deleted or lead.fields.get("IsConverted"):
        raise RuleError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    now = store.clock()
    before = now - timedelta(seconds=1)
    values = lead.fields
    common: Fields = {"OwnerId": values.get("OwnerId"), "CreatedById": actor.by, "LastModifiedById": actor.by}
    with store.transaction():
        account = store.create(
            SYSTEM,
            "Account",
            new_id(store, "Account"),
            {**common, "Name": values.get("Company")},
            actor,
            before,
        )
        person = {
            n: values.get(n)
            for n in ("FirstName", "LastName", "Name", "Title", "Email", "Phone", "LeadSource")
        }
        contact = store.create(
            SYSTEM,
            "Contact",
            new_id(store, "Contact"),
            {**common, **person, "AccountId": account.remote_id},
            actor,
            before,
        )
        made = {"Account": account.remote_id, "Contact": contact.remote_id}
        if with_opportunity:
            stage = picklist(store.schema(SYSTEM, "Opportunity")["StageName"])[0]["value"]
            deal = {
                "Name": f"{values.get('Company')} -", "AccountId": account.remote_id, "ContactId": contact.remote_id,
                "StageName": stage, "CloseDate": (now + timedelta(days=90)).date().isoformat(),
                "OwnerId": values.get("OwnerId"), "LeadSource": values.get("LeadSource"),
            }  # fmt: skip
            made["Opportunity"] = create(store, "Opportunity", deal, actor, auto_assign=False).remote_id
            role = {"OpportunityId": made["Opportunity"], "ContactId": made["Contact"], "IsPrimary": True}
            create(store, "OpportunityContactRole", role, actor)
        for member in store.all_of(
            SYSTEM, "CampaignMember", "json_extract(fields, '$.LeadId') = ?", [lead.remote_id]
        ):
            store.update(member, {"ContactId": contact.remote_id}, actor, at=now)
        statuses = picklist(store.schema(SYSTEM, "Lead")["Status"])
        changes = {
            "Status": next((s["value"] for s in statuses if s.get("converted")), values.get("Status")),
            "IsConverted": True, "ConvertedDate": now.date().isoformat(), "ConvertedAccountId": account.remote_id,
            "ConvertedContactId": contact.remote_id, "ConvertedOpportunityId": made.get("Opportunity"),
            "LastModifiedById": actor.by,
        }  # fmt: skip
        store.update(lead, changes, actor, at=now, silent=set(changes) - {"Status"})
        _note(store, lead, "leadConverted", actor, salesforce_stamp(now))
    return made


def merge(store: Store, winner: Stored, losers: Sequence[Stored], actor: Actor) -> None:
    """Up to two losers go into the winner, which keeps its own values and takes theirs where it has none."""
    if winner.object not in MERGEABLE or not 1 <= len(losers) <= 2 or winner.deleted:
        raise RuleError("INVALID_OPERATION", "two or three records of one object can be merged")
    now = store.clock()
    with store.transaction():
        fill: Fields = {}
        for loser in losers:
            if loser.object != winner.object or loser.deleted or loser.remote_id == winner.remote_id:
                raise RuleError("INVALID_OPERATION", "records to merge must be of one object and not deleted")
            fill |= {k: v for k, v in loser.fields.items() if winner.fields.get(k) is None and k not in fill}
            for child, column in CHILDREN.get(winner.object, ()):
                where = f"json_extract(fields, '$.{column}') = ?"
                for row in store.all_of(SYSTEM, child, where, [loser.remote_id]):
                    store.update(row, {column: winner.remote_id}, actor, at=now)
            store.update(
                loser, {"MasterRecordId": winner.remote_id}, actor, at=now, silent=["MasterRecordId"]
            )
            store.set_deleted(loser, True, actor, at=now)
        store.update(winner, {**fill, "LastModifiedById": actor.by}, actor, asked=fill, at=now)


def delete_whole(store: Store, row: Stored, actor: Actor) -> None:
    """Into the recycle bin, with everything that hangs on it and without a word about that."""
    with store.transaction():
        for child, column in CHILDREN.get(row.object, ()):
            where = f"json_extract(fields, '$.{column}') = ?"
            for one in store.all_of(SYSTEM, child, where, [row.remote_id]):
                delete_whole(store, one, actor)
        store.set_deleted(row, True, actor)


def undelete(store: Store, row: Stored, actor: Actor) -> None:
    """Out of the recycle bin with a new stamp."""
    if not row.deleted or row.fields.get("MasterRecordId"):
        raise RuleError("UNDELETE_FAILED", "Entity is not in the recycle bin")
    store.set_deleted(row, False, actor)


def purge(store: Store, row: Stored) -> None:
    """Out of the recycle bin for good: no trace is left, not even in queryAll."""
    if not row.deleted:
        raise RuleError("INVALID_OPERATION", "only what is in the recycle bin can be purged")
    store.execute("DELETE FROM rows WHERE seq = ?", [row.seq])


def _note(store: Store, row: Stored, field: str, actor: Actor, at: str) -> None:
    """A row of history without values, as Salesforce keeps of some acts."""
    store.execute(
        "INSERT INTO history (system, object, remote_id, field, old, new, at, by, source)"
        " VALUES (?, ?, ?, ?, 'null', 'null', ?, ?, ?)",
        [row.system, row.object, row.remote_id, field, at, actor.by, actor.source],
    )
