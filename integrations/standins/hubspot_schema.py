"""HubSpot's object types, properties and associations that every stand-in has; a world adds to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from integrations.standins.world import HubspotProperty

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HubspotType:
    """``id`` is the object type id; ``label`` and ``plural`` are for people; ``group`` is the default group."""

    id: str
    singular: str
    label: str
    plural: str
    group: str
    modified: Literal["lastmodifieddate", "hs_lastmodifieddate"] = "hs_lastmodifieddate"
    created: Literal["createdate", "hs_createdate"] = "hs_createdate"


HUBSPOT_OBJECTS = {
    "contacts": HubspotType(
        "0-1", "contact", "Contact", "Contacts", "contactinformation", "lastmodifieddate", "createdate"
    ),
    "companies": HubspotType(
        "0-2", "company", "Company", "Companies", "companyinformation", created="createdate"
    ),
    "deals": HubspotType("0-3", "deal", "Deal", "Deals", "dealinformation", created="createdate"),
    "calls": HubspotType("0-48", "call", "Call", "Calls", "call"),
    "meetings": HubspotType("0-47", "meeting_event", "Meeting", "Meetings", "meeting"),
    "emails": HubspotType("0-49", "email", "E-mail", "E-mails", "email"),
    "notes": HubspotType("0-46", "note", "Note", "Notes", "note"),
    "tasks": HubspotType("0-27", "task", "Task", "Tasks", "task"),
    "leads": HubspotType("0-136", "lead", "Lead", "Leads", "leadinformation"),
}

GROUP_LABELS = {
    "contactinformation": "Contact information",
    "contactlcs": "Contact lifecycle",
    "companyinformation": "Company information",
    "companylcs": "Company lifecycle",
    "dealinformation": "Deal information",
    "leadinformation": "Lead information",
}

LIFECYCLE_STAGES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
LEAD_STATUS_LABELS = {
    "NEW": "New",
    "OPEN": "Open",
    "IN_PROGRESS": "In Progress",
    "OPEN_DEAL": "Open Deal",
    "UNQUALIFIED": "Unqualified",
    "ATTEMPTED_TO_CONTACT": "Attempted to Contact",
    "CONNECTED": "Connected",
    "BAD_TIMING": "Bad Timing",
}

_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "enumeration": "select",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
}


def _p(
    name: str, label: str, kind: str = "string", options: dict[str, str] | None = None, **more: Any
) -> HubspotProperty:
    spec: Spec = {"name": name, "label": label, "type": kind, "fieldType": _FIELD_TYPES[kind], **more}
    if options is not None:
        spec["options"] = [{"value": v, "label": text} for v, text in options.items()]
    return spec  # type: ignore[return-value]  # built from the keys of the TypedDict, checked by the tests


def hubspot_system_properties(object_type: str) -> list[HubspotProperty]:
    meta = HUBSPOT_OBJECTS[object_type]
    return [
        _p("hs_object_id", "Record ID", "number", readOnly=True),
        _p(meta.created, "Create Date", "datetime", readOnly=True),
        _p(meta.modified, "Last Modified Date", "datetime", readOnly=True),
        _p("hubspot_owner_id", "Owner", "enumeration", options={}),
        _p("hs_object_source_label", "Record source", readOnly=True),
        _p("hs_merged_object_ids", "Merged record IDs", readOnly=True, hidden=True),
    ]


def _lifecycle(group: str) -> list[HubspotProperty]:
    out = [_p("lifecyclestage", "Lifecycle Stage", "enumeration", LIFECYCLE_STAGES)]
    for value, label in LIFECYCLE_STAGES.items():
        fixed: dict[str, Any] = {"readOnly": True, "hidden": True, "groupName": group}
        out.append(_p(f"hs_lifecyclestage_{value}_date", f"Became a {label} Date", "datetime", **fixed))
        entered = f"Date entered '{label} (Lifecycle Stage Pipeline)'"
        out.append(_p(f"hs_v2_date_entered_{value}", entered, "datetime", **fixed, calculated=True))
    return out


_ENGAGEMENT = [
    _p("hs_timestamp", "Activity date", "datetime"),
    _p("hs_activity_type", "Call and meeting type"),
]

HUBSPOT_PROPERTIES: dict[str, list[HubspotProperty]] = {
    "contacts": [
        _p("email", "Email"),
        _p("firstname", "First Name"),
        _p("lastname", "Last Name"),
        _p("phone", "Phone Number"),
        _p("mobilephone", "Mobile Phone Number"),
        _p("jobtitle", "Job Title"),
        _p("company", "Company Name"),
        _p("website", "Website URL"),
        _p("country", "Country/Region"),
        _p("numemployees", "Number of Employees"),
        *_lifecycle("contactlcs"),
        _p("hs_lead_status", "Lead Status", "enumeration", LEAD_STATUS_LABELS),
        _p("hs_pipeline", "Pipeline", hidden=True),
        _p("hs_analytics_source", "Original Traffic Source", readOnly=True),
        _p("recent_conversion_event_name", "Recent Conversion", readOnly=True),
        _p("recent_conversion_date", "Recent Conversion Date", "datetime", readOnly=True),
        _p("first_conversion_event_name", "First Conversion", readOnly=True),
        _p("num_conversion_events", "Number of Form Submissions", "number", readOnly=True),
        _p("hs_analytics_num_page_views", "Number of Pageviews", "number", readOnly=True),
        _p("hs_analytics_last_timestamp", "Time Last Seen", "datetime", readOnly=True),
        _p("hs_analytics_last_url", "Last Page Seen", readOnly=True),
        _p("hubspotscore", "HubSpot Score", "number", readOnly=True),
        _p("associatedcompanyid", "Primary Associated Company ID", "number"),
        _p("hubspot_owner_assigneddate", "Owner Assigned Date", "datetime", readOnly=True),
        _p("notes_last_contacted", "Last Contacted", "datetime", readOnly=True, calculated=True),
        _p("num_contacted_notes", "Number of times contacted", "number", readOnly=True, calculated=True),
        _p(
            "hs_last_sales_activity_timestamp",
            "Last Engagement Date",
            "datetime",
            readOnly=True,
            calculated=True,
        ),
    ],
    "companies": [
        _p("name", "Name"),
        _p("domain", "Company Domain Name"),
        _p("industry", "Industry"),
        _p("numberofemployees", "Number of Employees", "number"),
        _p("annualrevenue", "Annual Revenue", "number"),
        _p("country", "Country/Region"),
        _p("phone", "Phone Number"),
        *_lifecycle("companylcs"),
    ],
    "deals": [
        _p("dealname", "Deal Name"),
        _p("dealstage", "Deal Stage", "enumeration", options={}),
        _p("pipeline", "Pipeline", "enumeration", options={}),
        _p("amount", "Amount", "number"),
        _p("deal_currency_code", "Currency"),
        _p("closedate", "Close Date", "datetime"),
        _p(
            "dealtype",
            "Deal Type",
            "enumeration",
            {"newbusiness": "New Business", "existingbusiness": "Existing Business"},
        ),
        _p("hs_is_closed", "Is Deal Closed?", "bool", readOnly=True, calculated=True),
        _p("hs_is_closed_won", "Is Closed Won", "bool", readOnly=True, calculated=True),
        _p("hs_deal_stage_probability", "Deal probability", "number", readOnly=True, calculated=True),
    ],
    "calls": [
        *_ENGAGEMENT,
        _p("hs_call_title", "Call Title"),
        _p("hs_call_body", "Call notes"),
        _p(
            "hs_call_direction",
            "Call direction",
            "enumeration",
            {"INBOUND": "Inbound", "OUTBOUND": "Outbound"},
        ),
        _p(
            "hs_call_status",
            "Call status",
            "enumeration",
            {"COMPLETED": "Completed", "NO_ANSWER": "No answer", "BUSY": "Busy", "FAILED": "Failed"},
        ),
        _p("hs_call_disposition", "Call outcome"),
        _p("hs_call_duration", "Call duration", "number"),
    ],
    "meetings": [
        *_ENGAGEMENT,
        _p("hs_meeting_title", "Meeting name"),
        _p("hs_meeting_body", "Meeting description"),
        _p("hs_meeting_start_time", "Start time", "datetime"),
        _p("hs_meeting_end_time", "End time", "datetime"),
        _p(
            "hs_meeting_outcome",
            "Meeting outcome",
            "enumeration",
            {
                "SCHEDULED": "Scheduled",
                "COMPLETED": "Completed",
                "RESCHEDULED": "Rescheduled",
                "NO_SHOW": "No show",
                "CANCELED": "Canceled",
            },
        ),
    ],
    "emails": [
        *_ENGAGEMENT,
        _p("hs_email_subject", "Email subject"),
        _p("hs_email_text", "Email body"),
        _p(
            "hs_email_direction",
            "Email direction",
            "enumeration",
            {"EMAIL": "Outgoing", "INCOMING_EMAIL": "Incoming", "FORWARDED_EMAIL": "Forwarded"},
        ),
        _p("hs_email_status", "Email send status"),
    ],
    "notes": [*_ENGAGEMENT, _p("hs_note_body", "Note body")],
    "tasks": [
        *_ENGAGEMENT,
        _p("hs_task_subject", "Task Title"),
        _p("hs_task_body", "Task Notes"),
        _p(
            "hs_task_status",
            "Task Status",
            "enumeration",
            {"NOT_STARTED": "Not started", "COMPLETED": "Completed"},
        ),
        _p("hs_task_priority", "Priority", "enumeration", {"LOW": "Low", "MEDIUM": "Medium", "HIGH": "High"}),
        _p("hs_task_type", "Task Type", "enumeration", {"EMAIL": "Email", "CALL": "Call", "TODO": "To-do"}),
    ],
    "leads": [
        _p("hs_lead_name", "Lead Name"),
        _p(
            "hs_lead_type",
            "Lead Type",
            "enumeration",
            {"NEW_BUSINESS": "New business", "RE_ATTEMPTING": "Re-attempting"},
        ),
        _p("hs_lead_label", "Lead Label", "enumeration", {"HOT": "Hot", "WARM": "Warm", "COLD": "Cold"}),
        _p("hs_pipeline", "Pipeline", "enumeration", options={}),
        _p("hs_pipeline_stage", "Lead Stage", "enumeration", options={}),
        _p("hs_primary_contact_id", "Primary contact", "number", readOnly=True, calculated=True),
    ],
}

LEAD_PIPELINE: Spec = {
    "object_type": "leads",
    "id": "lead-pipeline-id",
    "label": "Lead pipeline",
    "stages": [
        {"id": "new-stage-id", "label": "New", "probability": 0.0, "closed": False},
        {"id": "attempting-stage-id", "label": "Attempting", "probability": 0.2, "closed": False},
        {"id": "connected-stage-id", "label": "Connected", "probability": 0.4, "closed": False},
        {"id": "qualified-stage-id", "label": "Qualified", "probability": 1.0, "closed": True},
        {"id": "unqualified-stage-id", "label": "Unqualified", "probability": 0.0, "closed": True},
    ],
}

DEFAULT_PIPELINE: Spec = {
    "object_type": "deals",
    "id": "default",
    "label": "Sales Pipeline",
    "stages": [
        {"id": "appointmentscheduled", "label": "Appointment Scheduled", "probability": 0.2, "closed": False},
        {"id": "qualifiedtobuy", "label": "Qualified To Buy", "probability": 0.4, "closed": False},
        {
            "id": "presentationscheduled",
            "label": "Presentation Scheduled",
            "probability": 0.6,
            "closed": False,
        },
        {
            "id": "decisionmakerboughtin",
            "label": "Decision Maker Bought-In",
            "probability": 0.8,
            "closed": False,
        },
        {"id": "contractsent", "label": "Contract Sent", "probability": 0.9, "closed": False},
        {"id": "closedwon", "label": "Closed Won", "probability": 1.0, "closed": True},
        {"id": "closedlost", "label": "Closed Lost", "probability": 0.0, "closed": True},
    ],
}

PIPELINES = (DEFAULT_PIPELINE, LEAD_PIPELINE)

ASSOCIATION_TYPES = {
    ("leads", "contacts"): (608, 607),
    ("leads", "companies"): (610, 609),
    ("leads", "calls"): (596, 595),
    ("leads", "emails"): (598, 597),
    ("leads", "meetings"): (600, 599),
    ("leads", "notes"): (602, 601),
    ("leads", "tasks"): (604, 603),
    ("contacts", "companies"): (279, 280),
    ("deals", "contacts"): (3, 4),
    ("deals", "companies"): (341, 342),
    ("notes", "contacts"): (202, 201),
    ("tasks", "contacts"): (204, 203),
    ("emails", "contacts"): (198, 197),
    ("meetings", "contacts"): (200, 199),
    ("calls", "contacts"): (194, 193),
    ("notes", "deals"): (214, 213),
    ("tasks", "deals"): (216, 215),
    ("emails", "deals"): (210, 209),
    ("meetings", "deals"): (212, 211),
    ("calls", "deals"): (206, 205),
    ("notes", "companies"): (190, 189),
    ("tasks", "companies"): (192, 191),
    ("emails", "companies"): (186, 185),
    ("meetings", "companies"): (188, 187),
    ("calls", "companies"): (182, 181),
}
"""(from, to) to the unlabelled type ids (there, back)."""

PRIMARY_TYPES = {1: 2, 2: 1, 5: 6, 6: 5, 578: 579, 579: 578}
PRIMARY_OF = {
    ("contacts", "companies"): 1,
    ("companies", "contacts"): 2,
    ("deals", "companies"): 5,
    ("companies", "deals"): 6,
    ("leads", "contacts"): 578,
    ("contacts", "leads"): 579,
}
"""(from, to) to the type id of the one link that is the main one."""


def association_type(from_type: str, to_type: str) -> int:
    """The unlabelled type id of a link from one type to another; 0 when there is none."""
    if (from_type, to_type) in ASSOCIATION_TYPES:
        return ASSOCIATION_TYPES[from_type, to_type][0]
    if (to_type, from_type) in ASSOCIATION_TYPES:
        return ASSOCIATION_TYPES[to_type, from_type][1]
    return 0


def opposite_type(type_id: int, from_type: str, to_type: str) -> int:
    """The type id of the same link seen from the other side."""
    return PRIMARY_TYPES.get(type_id) or association_type(to_type, from_type)
