"""The logical fields that most models ask for, and where each CRM usually keeps them. Pure.

A guess only: an admin confirms every line beside values of real records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StandardField:
    """``links_to``: remote objects of the same CRM whose id the value is, so that histories are joined by it."""

    name: str
    label: str
    type: str
    is_personal: bool = False
    options: tuple[str, ...] = ()


def _personal(name: str, label: str) -> StandardField:
    return StandardField(name, label, "text", is_personal=True)


KINDS = ("call", "email", "meeting", "task", "message")
DIRECTIONS = ("inbound", "outbound")

FIELDS: Mapping[str, Sequence[StandardField]] = {
    "person": (
        _personal("email", "E-mail"),
        _personal("first_name", "First name"),
        _personal("last_name", "Last name"),
        StandardField("job_title", "Job title", "text"),
        StandardField("company", "Company", "text"),
        _personal("phone", "Phone"),
        StandardField("country", "Country", "text"),
        StandardField("industry", "Industry", "text"),
        StandardField("owner", "Owner", "reference"),
        StandardField("lifecycle_stage", "Lifecycle stage in HubSpot", "picklist"),
        StandardField("lead_status", "Lead status in Salesforce", "picklist"),
        StandardField("lead_source", "Lead source", "picklist"),
        StandardField("engagement_score", "Engagement score", "number"),
        StandardField("email_opt_out", "Opted out of e-mail", "boolean"),
        StandardField("do_not_contact", "Do not contact", "boolean"),
        StandardField("account", "Account", "reference"),
        StandardField("is_converted", "Converted", "boolean"),
        StandardField("converted_deal", "Converted opportunity", "reference"),
        StandardField("converted_account", "Converted account", "reference"),
    ),
    "deal": (
        StandardField("name", "Deal", "text"),
        StandardField("stage", "Stage", "picklist"),
        StandardField("pipeline", "Pipeline", "picklist"),
        StandardField("amount", "Amount", "money"),
        StandardField("currency", "Currency", "picklist"),
        StandardField("close_date", "Close date", "date"),
        StandardField("is_closed", "Closed", "boolean"),
        StandardField("is_won", "Won", "boolean"),
        StandardField("owner", "Owner", "reference"),
        StandardField("account", "Account", "reference"),
        StandardField("lead_source", "Lead source", "picklist"),
        StandardField("next_step", "Next step", "text"),
        StandardField("loss_reason", "Why lost", "text"),
    ),
    "account": (
        StandardField("name", "Account", "text"),
        StandardField("domain", "Web domain", "text"),
        StandardField("industry", "Industry", "text"),
        StandardField("owner", "Owner", "reference"),
    ),
    "activity": (
        StandardField("kind", "Kind", "picklist", options=KINDS),
        StandardField("occurred_at", "When", "datetime"),
        StandardField("ends_at", "Until", "datetime"),
        StandardField("subject", "Subject", "text"),
        _personal("notes", "Notes"),
        StandardField("owner", "By", "reference"),
        StandardField("about", "About", "reference"),
        StandardField("direction", "Direction", "picklist", options=DIRECTIONS),
    ),
}

OBJECT_WORDS = {
    "person": ("People", "leads and contacts"),
    "deal": ("Deals", "opportunities"),
    "account": ("Accounts", "companies"),
    "activity": ("Activities", "calls, e-mails, meetings, tasks"),
}

USUAL: Mapping[str, Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "salesforce": {
        "Lead": (
            "person",
            {
                "email": "Email", "first_name": "FirstName", "last_name": "LastName", "job_title": "Title",
                "company": "Company", "phone": "Phone", "country": "Country", "industry": "Industry",
                "owner": "OwnerId", "lead_status": "Status", "lead_source": "LeadSource",
                "email_opt_out": "HasOptedOutOfEmail", "do_not_contact": "DoNotCall", "is_converted": "IsConverted",
                "converted_deal": "ConvertedOpportunityId", "converted_account": "ConvertedAccountId",
            },
        ),
        "Contact": (
            "person",
            {
                "email": "Email", "first_name": "FirstName", "last_name": "LastName", "job_title": "Title",
                "phone": "Phone", "country": "MailingCountry", "owner": "OwnerId", "lead_source": "LeadSource",
                "email_opt_out": "HasOptedOutOfEmail", "do_not_contact": "DoNotCall", "account": "AccountId",
            },
        ),
        "Opportunity": (
            "deal",
            {
                "name": "Name", "stage": "StageName", "amount": "Amount", "currency": "CurrencyIsoCode",
                "close_date": "CloseDate", "is_closed": "IsClosed", "is_won": "IsWon", "owner": "OwnerId",
                "account": "AccountId", "lead_source": "LeadSource", "next_step": "NextStep",
            },
        ),
        "Account": (
            "account", {"name": "Name", "domain": "Website", "industry": "Industry", "owner": "OwnerId"},
        ),
        "Task": (
            "activity",
            {
                "kind": "TaskSubtype", "occurred_at": "CompletedDateTime", "subject": "Subject",
                "notes": "Description", "owner": "OwnerId", "about": "WhoId",
            },
        ),
        "Event": (
            "activity",
            {
                "kind": "=meeting", "occurred_at": "StartDateTime", "ends_at": "EndDateTime", "subject": "Subject",
                "notes": "Description", "owner": "OwnerId", "about": "WhoId",
            },
        ),
    },
    "hubspot": {
        "contacts": (
            "person",
            {
                "email": "email", "first_name": "firstname", "last_name": "lastname", "job_title": "jobtitle",
                "company": "company", "phone": "phone", "country": "country", "industry": "industry",
                "owner": "hubspot_owner_id", "lifecycle_stage": "lifecyclestage",
                "lead_source": "hs_analytics_source", "engagement_score": "hubspotscore",
                "email_opt_out": "hs_email_optout", "account": "associatedcompanyid",
            },
        ),
        "companies": (
            "account",
            {"name": "name", "domain": "domain", "industry": "industry", "owner": "hubspot_owner_id"},
        ),
        "deals": (
            "deal",
            {
                "name": "dealname", "stage": "dealstage", "pipeline": "pipeline", "amount": "amount",
                "currency": "deal_currency_code", "close_date": "closedate", "is_closed": "hs_is_closed",
                "is_won": "hs_is_closed_won", "owner": "hubspot_owner_id", "next_step": "hs_next_step",
                "loss_reason": "closed_lost_reason",
            },
        ),
        "calls": (
            "activity",
            {
                "kind": "=call", "occurred_at": "hs_timestamp", "subject": "hs_call_title", "notes": "hs_call_body",
                "owner": "hubspot_owner_id", "direction": "hs_call_direction",
            },
        ),
        "meetings": (
            "activity",
            {
                "kind": "=meeting", "occurred_at": "hs_meeting_start_time", "ends_at": "hs_meeting_end_time",
                "subject": "hs_meeting_title", "notes": "hs_meeting_body", "owner": "hubspot_owner_id",
            },
        ),
        "emails": (
            "activity",
            {
                "kind": "=email", "occurred_at": "hs_timestamp", "subject": "hs_email_subject",
                "owner": "hubspot_owner_id", "direction": "hs_email_direction",
            },
        ),
        "tasks": (
            "activity",
            {
                "kind": "=task", "occurred_at": "hs_task_completion_date", "subject": "hs_task_subject",
                "notes": "hs_task_body", "owner": "hubspot_owner_id",
            },
        ),
    },
}  # fmt: skip
"""Kind of CRM -> remote object -> (logical object, {logical field: remote field}); ``=x``: always that value."""

FIRST = {
    "salesforce": ("Lead", "Contact", "Opportunity", "Account", "Task", "Event"),
    "hubspot": ("contacts", "companies", "deals", "calls", "meetings", "emails"),
}
"""What a new connection reads unless somebody says otherwise."""

NEEDED = {
    "person": ("email", "owner"),
    "deal": ("stage", "owner"),
    "activity": ("kind", "occurred_at"),
    "account": ("name",),
}
"""Without these little can be told of such a record."""

WITH_HISTORY = frozenset({"owner", "stage", "lead_status", "lifecycle_stage"})
LINKS = {
    ("salesforce", "about"): ("Lead", "Contact"),
    ("salesforce", "converted_deal"): ("Opportunity",),
}
VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("salesforce", "kind"): {
        "Call": "call", "Email": "email", "ListEmail": "email", "Task": "task", "LinkedIn": "message",
    },
    ("hubspot", "direction"): {
        "INBOUND": "inbound", "OUTBOUND": "outbound", "EMAIL": "outbound", "INCOMING_EMAIL": "inbound",
        "FORWARDED_EMAIL": "inbound",
    },
}  # fmt: skip


def standard_field(object_name: str, name: str) -> StandardField | None:
    return next((field for field in FIELDS.get(object_name, ()) if field.name == name), None)


def usual_object(kind: str, remote_object: str) -> str:
    """The logical object that a remote one usually is; "" when nobody can know."""
    return USUAL.get(kind, {}).get(remote_object, ("", {}))[0]


def usual_names(kind: str, remote_object: str) -> Mapping[str, str]:
    return USUAL.get(kind, {}).get(remote_object, ("", {}))[1]
