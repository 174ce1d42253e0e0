"""Salesforce's objects and fields that every stand-in has; a world adds to them or replaces them by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from integrations.standins.world import SalesforceField

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
    "UserRole": SalesforceObject("00E", "Role", "Roles"),
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
    "Folder": SalesforceObject("00l", "Folder", "Folders"),
    "Report": SalesforceObject("00O", "Report", "Reports"),
    "Dashboard": SalesforceObject("01Z", "Dashboard", "Dashboards"),
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


NEVER_DELETED = frozenset({"User", "UserRole", "Group", "GroupMember", "Organization", "Folder"})
"""Objects without a recycle bin, and so without the column that says what is in it."""


def salesforce_system_fields(object_name: str) -> list[SalesforceField]:
    fixed: dict[str, Any] = {"updateable": False}
    fields = [
        _f("Id", "id", label="Record ID", **fixed),
        _f("IsDeleted", "boolean", label="Deleted", **fixed),
        _f("CreatedDate", "datetime", **fixed),
        _ref("CreatedById", "User", label="Created By ID", **fixed),
        _f("LastModifiedDate", "datetime", **fixed),
        _ref("LastModifiedById", "User", label="Last Modified By ID", **fixed),
        _f("SystemModstamp", "datetime", label="System Modstamp", **fixed),
    ]
    return [f for f in fields if f["name"] != "IsDeleted" or object_name not in NEVER_DELETED]


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
        _ref("UserRoleId", "UserRole", label="Role ID"),
        _f("UserType", "picklist", values=["Standard", "AutomatedProcess"]),
        _f(
            "TimeZoneSidKey",
            "picklist",
            values=["America/Chicago", "Europe/Berlin", "UTC"],
            label="Time Zone",
        ),
    ],
    "UserRole": [
        _f("Name", length=80, required=True),
        _f("DeveloperName", length=80),
        _ref("ParentRoleId", "UserRole", label="Parent Role ID"),
    ],
    "Group": [
        _ref("RelatedId", "UserRole", "User", label="Related ID", updateable=False),
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
    "Folder": [_f("Name", length=80), _f("DeveloperName", length=80), _f("Type", length=40)],
    "Report": [
        _f("Name", length=40, label="Report Name", updateable=False),
        _f("DeveloperName", length=80, updateable=False),
        _f("FolderName", updateable=False),
        _ref("OwnerId", "Folder", label="Folder ID", updateable=False),
        _f("Description", updateable=False),
        _f("Format", length=40, updateable=False),
        _f("ReportType", length=80, updateable=False),
        _f("Columns", "textarea", updateable=False),
        _f("GroupedBy", updateable=False),
        _f("Filters", "textarea", updateable=False),
    ],
    "Dashboard": [
        _f("Title", length=80, updateable=False),
        _f("Name", length=80, label="Dashboard Name", updateable=False),
        _f("DeveloperName", length=80, updateable=False),
        _f("FolderName", updateable=False),
        _ref("OwnerId", "Folder", label="Folder ID", updateable=False),
        _f("Description", updateable=False),
        _f("Type", length=40, updateable=False),
        _f("Components", "textarea", updateable=False),
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
