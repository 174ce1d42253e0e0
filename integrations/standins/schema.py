"""The fields that every stand-in has; a world adds to them or replaces them by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from integrations.standins.world import HubspotProperty, SalesforceField

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SalesforceObject:
    prefix: str
    label: str
    plural: str


SALESFORCE_OBJECTS = {
    "Lead": SalesforceObject("00Q", "Lead", "Leads"),
    "Contact": SalesforceObject("003", "Contact", "Contacts"),
    "Account": SalesforceObject("001", "Account", "Accounts"),
    "Opportunity": SalesforceObject("006", "Opportunity", "Opportunities"),
    "Task": SalesforceObject("00T", "Task", "Tasks"),
    "Event": SalesforceObject("00U", "Event", "Events"),
    "User": SalesforceObject("005", "User", "Users"),
    "Group": SalesforceObject("00G", "Group", "Groups"),
    "GroupMember": SalesforceObject("011", "Group Member", "Group Members"),
    "Campaign": SalesforceObject("701", "Campaign", "Campaigns"),
    "CampaignMember": SalesforceObject("00v", "Campaign Member", "Campaign Members"),
    "OpportunityContactRole": SalesforceObject(
        "00K", "Opportunity Contact Role", "Opportunity Contact Roles"
    ),
    "OpportunityHistory": SalesforceObject("008", "Opportunity History", "Opportunity History"),
    "Organization": SalesforceObject("00D", "Organization", "Organizations"),
    "PermissionSet": SalesforceObject("0PS", "Permission Set", "Permission Sets"),
    "FieldPermissions": SalesforceObject("01k", "Field Permissions", "Field Permissions"),
    "PermissionSetAssignment": SalesforceObject(
        "0Pa", "Permission Set Assignment", "Permission Set Assignments"
    ),
    "CustomPermission": SalesforceObject("0CP", "Custom Permission", "Custom Permissions"),
    "SetupEntityAccess": SalesforceObject("0J0", "Setup Entity Access", "Setup Entity Access"),
    "CustomField": SalesforceObject("00N", "Custom Field", "Custom Fields"),
    "ValidationRule": SalesforceObject("03d", "Validation Rule", "Validation Rules"),
}
TOOLING_OBJECTS = frozenset({"CustomField", "ValidationRule"})
"""Reached through the Tooling API and no other."""

HISTORY_OBJECTS = {
    "LeadHistory": ("Lead", "LeadId", "017"),
    "ContactHistory": ("Contact", "ContactId", "0JU"),
    "AccountHistory": ("Account", "AccountId", "0JW"),
    "OpportunityFieldHistory": ("Opportunity", "OpportunityId", "017"),
}
"""Object name to (object whose changes it lists, name of the parent field, id prefix)."""

LEAD_STATUSES = [
    {"value": "Open - Not Contacted"},
    {"value": "Working - Contacted"},
    {"value": "Closed - Converted", "converted": True},
    {"value": "Closed - Not Converted"},
]
OPPORTUNITY_STAGES = [
    {"value": "Prospecting", "probability": 10},
    {"value": "Qualification", "probability": 10},
    {"value": "Needs Analysis", "probability": 20},
    {"value": "Proposal/Price Quote", "probability": 75},
    {"value": "Negotiation/Review", "probability": 90},
    {"value": "Closed Won", "probability": 100, "closed": True, "won": True},
    {"value": "Closed Lost", "probability": 0, "closed": True},
]
TASK_STATUSES = ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"]


def _f(name: str, kind: str = "string", length: int = 255, **more: Any) -> SalesforceField:
    label = more.pop("label", None) or _words(name)
    spec: Spec = {"name": name, "type": kind, "label": label, **more}
    if kind in ("string", "textarea", "email", "phone", "url", "picklist", "combobox", "multipicklist"):
        spec["length"] = length
    return spec  # type: ignore[return-value]  # built from the keys of the TypedDict, checked by the tests


def _words(name: str) -> str:
    name = name.removesuffix("__c").removesuffix("Id") or name
    out = ""
    for i, c in enumerate(name):
        if i and c.isupper() and not name[i - 1].isupper():
            out += " "
        out += c
    return out.replace("_", " ").replace("  ", " ")


def _ref(name: str, *to: str, **more: Any) -> SalesforceField:
    return _f(name, "reference", reference_to=list(to), **more)


def salesforce_system_fields(object_name: str) -> list[SalesforceField]:
    fixed: dict[str, Any] = {"updateable": False}
    return [
        _f("Id", "id", label="Record ID", **fixed),
        _f("IsDeleted", "boolean", label="Deleted", **fixed),
        _f("CreatedDate", "datetime", **fixed),
        _ref("CreatedById", "User", label="Created By ID", **fixed),
        _f("LastModifiedDate", "datetime", **fixed),
        _ref("LastModifiedById", "User", label="Last Modified By ID", **fixed),
        _f("SystemModstamp", "datetime", label="System Modstamp", **fixed),
    ]


_PERSON = [
    _f("FirstName", length=40),
    _f("LastName", length=80, required=True),
    _f("Name", length=121, label="Full Name", updateable=False),
    _f("Title", length=128),
    _f("Email", "email", 80),
    _f("Phone", "phone", 40),
    _f("MobilePhone", "phone", 40),
    _f(
        "LeadSource",
        "picklist",
        values=["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"],
    ),
    _f("Description", "textarea", 32000),
    _ref("OwnerId", "Group", "User", label="Owner ID", tracked=True),
    _f("LastActivityDate", "date", updateable=False),
]

_ACTIVITY = [
    _ref("WhoId", "Contact", "Lead", label="Name ID"),
    _ref("WhatId", "Account", "Opportunity", label="Related To ID"),
    _f("Subject", "combobox"),
    _ref("OwnerId", "User", label="Assigned To ID"),
    _f("Description", "textarea", 32000, label="Comments"),
    _f("ActivityDate", "date", label="Due Date Only"),
    _f("Type", "picklist", values=["Call", "Meeting", "Email", "Other"]),
    _f("IsArchived", "boolean", updateable=False),
    _ref("AccountId", "Account", updateable=False),
]

SALESFORCE_FIELDS: dict[str, list[SalesforceField]] = {
    "Lead": [
        *_PERSON,
        _f("Company", required=True),
        _f(
            "Industry",
            "picklist",
            values=["Transportation", "Logistics", "Food & Beverage", "Construction", "Other"],
        ),
        _f("Status", "picklist", values=LEAD_STATUSES, required=True, tracked=True, label="Lead Status"),
        _f("Rating", "picklist", values=["Hot", "Warm", "Cold"], tracked=True),
        _f("NumberOfEmployees", "int", label="Employees"),
        _f("Website", "url"),
        _f("Country", length=80),
        _f("IsConverted", "boolean", updateable=False, label="Converted"),
        _f("ConvertedDate", "date", updateable=False),
        _ref("ConvertedAccountId", "Account", updateable=False),
        _ref("ConvertedContactId", "Contact", updateable=False),
        _ref("ConvertedOpportunityId", "Opportunity", updateable=False),
        _f("IsUnreadByOwner", "boolean", label="Unread By Owner"),
        _ref("MasterRecordId", "Lead", updateable=False),
    ],
    "Contact": [
        *_PERSON,
        _ref("AccountId", "Account"),
        _f("Department", length=80),
        _f("MailingCountry", length=80),
        _ref("MasterRecordId", "Contact", updateable=False),
    ],
    "Account": [
        _f("Name", required=True, label="Account Name"),
        _f("Type", "picklist", values=["Prospect", "Customer", "Partner", "Other"]),
        _f(
            "Industry",
            "picklist",
            values=["Transportation", "Logistics", "Food & Beverage", "Construction", "Other"],
        ),
        _f("NumberOfEmployees", "int", label="Employees"),
        _f("AnnualRevenue", "currency"),
        _f("Website", "url"),
        _f("Phone", "phone", 40),
        _f("BillingCountry", length=80),
        _ref("ParentId", "Account", label="Parent Account ID"),
        _ref("OwnerId", "User", label="Owner ID", tracked=True),
        _ref("MasterRecordId", "Account", updateable=False),
    ],
    "Opportunity": [
        _f("Name", length=120, required=True),
        _ref("AccountId", "Account", tracked=True),
        _ref("ContactId", "Contact"),
        _f("StageName", "picklist", values=OPPORTUNITY_STAGES, required=True, tracked=True, label="Stage"),
        _f("Amount", "currency", tracked=True),
        _f("CurrencyIsoCode", "picklist", values=["USD", "EUR"], label="Currency ISO Code"),
        _f("Probability", "percent", tracked=True, label="Probability (%)"),
        _f("CloseDate", "date", required=True, tracked=True),
        _f("Type", "picklist", values=["New business", "Expansion", "Renewal"]),
        _f("NextStep"),
        _f(
            "LeadSource",
            "picklist",
            values=["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"],
        ),
        _f("Description", "textarea", 32000),
        _f(
            "ForecastCategoryName",
            "picklist",
            values=["Omitted", "Pipeline", "Best Case", "Commit", "Closed"],
        ),
        _f("IsClosed", "boolean", updateable=False, label="Closed"),
        _f("IsWon", "boolean", updateable=False, label="Won"),
        _f("LastStageChangeDate", "datetime", updateable=False),
        _f("LastActivityDate", "date", updateable=False),
        _ref("OwnerId", "User", label="Owner ID", tracked=True),
    ],
    "Task": [
        *_ACTIVITY,
        _f("Status", "picklist", values=TASK_STATUSES, required=True),
        _f("Priority", "picklist", values=["High", "Normal", "Low"]),
        _f("TaskSubtype", "picklist", values=["Task", "Email", "Call", "ListEmail", "Cadence", "LinkedIn"]),
        _f("CallType", "picklist", values=["Internal", "Inbound", "Outbound"]),
        _f("CallDurationInSeconds", "int", label="Call Duration"),
        _f("CallDisposition", label="Call Result"),
        _f("IsClosed", "boolean", updateable=False, label="Closed"),
        _f("CompletedDateTime", "datetime", updateable=False, label="Completed Date"),
    ],
    "Event": [
        *_ACTIVITY,
        _f("StartDateTime", "datetime", label="Start Date Time"),
        _f("EndDateTime", "datetime", label="End Date Time"),
        _f("ActivityDateTime", "datetime", label="Due Date Time"),
        _f("DurationInMinutes", "int", label="Duration"),
        _f("IsAllDayEvent", "boolean", label="All-Day Event"),
        _f("Location"),
    ],
    "User": [
        _f("FirstName", length=40),
        _f("LastName", length=80),
        _f("Name", length=121, updateable=False),
        _f("Username", length=80),
        _f("Email", "email", 128),
        _f("Title", length=80),
        _f("Department", length=80),
        _f("IsActive", "boolean", label="Active"),
        _ref("ManagerId", "User", label="Manager ID"),
        _f("UserRole", label="Role"),
        _f("UserType", "picklist", values=["Standard", "AutomatedProcess"]),
        _f(
            "TimeZoneSidKey",
            "picklist",
            values=["America/Chicago", "Europe/Berlin", "UTC"],
            label="Time Zone",
        ),
    ],
    "Group": [
        _f("Name", length=40),
        _f("DeveloperName", length=80),
        _f("Type", length=40),
        _f("Email", "email"),
    ],
    "GroupMember": [_ref("GroupId", "Group"), _ref("UserOrGroupId", "User", "Group")],
    "Campaign": [
        _f("Name", length=80, required=True),
        _f("Type", "picklist", values=["Conference", "Webinar", "Advertisement", "Email", "Other"]),
        _f("Status", "picklist", values=["Planned", "In Progress", "Completed", "Aborted"]),
        _f("StartDate", "date"),
        _f("EndDate", "date"),
        _f("IsActive", "boolean", label="Active"),
        _ref("OwnerId", "User", label="Owner ID"),
    ],
    "CampaignMember": [
        _ref("CampaignId", "Campaign", required=True),
        _ref("LeadId", "Lead"),
        _ref("ContactId", "Contact"),
        _f("Status", "picklist", values=["Sent", "Responded", "Attended", "Registered"]),
        _f("HasResponded", "boolean", updateable=False, label="Responded"),
        _f("FirstRespondedDate", "date", updateable=False),
    ],
    "OpportunityContactRole": [
        _ref("OpportunityId", "Opportunity", required=True),
        _ref("ContactId", "Contact", required=True),
        _f(
            "Role",
            "picklist",
            values=["Decision Maker", "Economic Buyer", "Champion", "Influencer", "User", "Other"],
        ),
        _f("IsPrimary", "boolean", label="Primary"),
    ],
    "OpportunityHistory": [
        _ref("OpportunityId", "Opportunity", updateable=False),
        _f("StageName", updateable=False),
        _f("Amount", "currency", updateable=False),
        _f("Probability", "percent", updateable=False),
        _f("CloseDate", "date", updateable=False),
        _f("ForecastCategory", updateable=False),
    ],
    "Organization": [
        _f("Name", length=80),
        _f("IsSandbox", "boolean"),
        _f("OrganizationType"),
        _f("InstanceName"),
        _f("TimeZoneSidKey"),
        _f("DefaultLocaleSidKey"),
        _f("FiscalYearStartMonth", "int"),
    ],
    "PermissionSet": [
        _f("Name", length=80, required=True),
        _f("Label", length=80, required=True),
        _f("Description"),
    ],
    "FieldPermissions": [
        _ref("ParentId", "PermissionSet", required=True),
        _f("SobjectType", required=True),
        _f("Field", required=True),
        _f("PermissionsRead", "boolean"),
        _f("PermissionsEdit", "boolean"),
    ],
    "PermissionSetAssignment": [
        _ref("PermissionSetId", "PermissionSet", required=True),
        _ref("AssigneeId", "User", required=True),
    ],
    "CustomPermission": [
        _f("DeveloperName", length=80, required=True),
        _f("MasterLabel", length=80, required=True),
        _f("Description"),
    ],
    "SetupEntityAccess": [
        _ref("ParentId", "PermissionSet", required=True),
        _ref("SetupEntityId", "CustomPermission", required=True),
        _f("SetupEntityType", updateable=False),
    ],
    "CustomField": [_f("FullName"), _f("DeveloperName"), _f("TableEnumOrId"), _f("NamespacePrefix")],
    "ValidationRule": [
        _f("ValidationName", length=40, required=True, label="Rule Name"),
        _f("EntityDefinitionId", required=True, label="Object"),
        _f("Active", "boolean"),
        # Only in Metadata: the Tooling API has no column for the formula.
        _f(
            "ErrorConditionFormula",
            "textarea",
            3900,
            required=True,
            label="Error Condition Formula",
            metadata_only=True,
        ),
        _f("ErrorMessage", "textarea", 255, required=True, label="Error Message"),
        _f("ErrorDisplayField", label="Error Location (field; empty: top of page)"),
        _f("Description", "textarea"),
    ],
}


def history_fields(parent: str) -> list[SalesforceField]:
    fixed: dict[str, Any] = {"updateable": False}
    return [
        _f("Id", "id", **fixed),
        _f("IsDeleted", "boolean", **fixed),
        _ref(parent, parent.removesuffix("Id"), **fixed),
        _ref("CreatedById", "User", **fixed),
        _f("CreatedDate", "datetime", **fixed),
        _f("Field", "picklist", **fixed),
        _f("DataType", "picklist", **fixed),
        _f("OldValue", "anyType", **fixed),
        _f("NewValue", "anyType", **fixed),
    ]


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
}

GROUP_LABELS = {
    "contactinformation": "Contact information",
    "contactlcs": "Contact lifecycle",
    "companyinformation": "Company information",
    "companylcs": "Company lifecycle",
    "dealinformation": "Deal information",
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

ASSOCIATION_TYPES = {
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

PRIMARY_TYPES = {1: 2, 2: 1, 5: 6, 6: 5}


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
