"""Fernhill's own fields and picklists in both CRMs."""

from __future__ import annotations

from integrations.standins.fernhill.deals import LOSS_REASONS, LOST, STAGES, WON
from integrations.standins.fernhill.names import COMPANY_KINDS
from integrations.standins.fernhill.notes import RECYCLE_REASONS
from integrations.standins.fernhill.people import BUSINESS_UNITS
from integrations.standins.fernhill.prospect import ORIGINS
from integrations.standins.world import HubspotProperty, Option, PicklistValue, SalesforceField, Schema

RELATIONSHIPS = {
    "prospect": "Prospect", "customer": "Customer", "partner": "Partner", "competitor": "Competitor",
    "student": "Student", "internal": "One of us", "test": "Test",
}  # fmt: skip
PLANS = {"trial": "Trial", "free": "Free", "paid": "Paid"}
REGIONS = {"NA": "North America", "EMEA": "EMEA", "APAC": "APAC"}
ROLE_LEVELS = {"decision_maker": "Decision maker", "influencer": "Influencer", "user": "User"}
LEAD_STATUSES: list[str | PicklistValue] = [
    "Open", "Working", "Qualified", "Nurture", "Disqualified", {"value": "Converted", "converted": True},
]  # fmt: skip
OPPORTUNITY_STAGES: list[str | PicklistValue] = [
    {"value": STAGES[0], "probability": 10},
    {"value": STAGES[1], "probability": 30},
    {"value": STAGES[2], "probability": 55},
    {"value": STAGES[3], "probability": 80},
    {"value": WON, "probability": 100, "closed": True, "won": True},
    {"value": LOST, "probability": 0, "closed": True},
]


def _labelled(options: dict[str, str]) -> list[str | PicklistValue]:
    return [{"value": value, "label": label} for value, label in options.items()]


def _picklist(name: str, label: str, values: list[str | PicklistValue]) -> SalesforceField:
    return {"name": name, "type": "picklist", "label": label, "length": 255, "values": values}


def _text(name: str, label: str, length: int = 255) -> SalesforceField:
    return {"name": name, "type": "string", "label": label, "length": length}


def _long_text(name: str, label: str) -> SalesforceField:
    return {"name": name, "type": "textarea", "label": label, "length": 4000}


def _number(name: str, label: str) -> SalesforceField:
    return {"name": name, "type": "double", "label": label}


def _checkbox(name: str, label: str) -> SalesforceField:
    return {"name": name, "type": "boolean", "label": label}


def _shared() -> list[SalesforceField]:
    return [
        _picklist("Business_Unit__c", "Business Unit", _labelled(BUSINESS_UNITS)),
        _picklist("Region__c", "Region", _labelled(REGIONS)),
    ]


def _currency() -> SalesforceField:
    return _picklist("CurrencyIsoCode", "Currency ISO Code", ["USD", "EUR"])


def _lead_source() -> SalesforceField:
    return _picklist("LeadSource", "Lead Source", [*ORIGINS.values(), "Existing customer"])


def _industry() -> SalesforceField:
    return _picklist("Industry", "Industry", [*COMPANY_KINDS])


def salesforce_fields() -> dict[str, list[SalesforceField]]:
    status = _picklist("Status", "Lead Status", LEAD_STATUSES)
    stage = _picklist("StageName", "Stage", OPPORTUNITY_STAGES)
    for tracked in (status, stage):
        tracked["required"] = True
        tracked["tracked"] = True
    # Made by Fernhill's admin beforehand, so that Salesforce keeps their history.
    answer = _picklist("Gtm_Handoff_Answer__c", "Handoff answer", ["Accept", "Send back"])
    reason = _text("Gtm_Handoff_Reason__c", "Handoff reason")
    for tracked in (answer, reason):
        tracked["tracked"] = True
    return {
        "Lead": [
            status,
            _lead_source(),
            _industry(),
            _text("HubSpot_Contact_Id__c", "HubSpot Contact ID", 40),
            *_shared(),
            _number("Fleet_Size__c", "Fleet Size"),
            {"name": "AE__c", "type": "reference", "label": "Account Executive", "reference_to": ["User"]},
            _long_text("Pain__c", "Pain in the buyer's own words"),
            _long_text("Impact__c", "Business impact"),
            _text("Timeline__c", "Timeline"),
            _long_text("Stakeholders__c", "Key stakeholders"),
            _checkbox("Need_Confirmed__c", "Need confirmed"),
            _checkbox("Authority_Confirmed__c", "Authority confirmed"),
            _checkbox("Timeline_Confirmed__c", "Timeline confirmed"),
            _picklist("Recycle_Reason__c", "Recycle reason", [*RECYCLE_REASONS]),
            answer,
            reason,
        ],
        "Contact": [_text("HubSpot_Contact_Id__c", "HubSpot Contact ID", 40)],
        "Account": [
            _currency(),
            _industry(),
            *_shared(),
            _number("Fleet_Size__c", "Fleet Size"),
            {"name": "Churned_On__c", "type": "date", "label": "Churned on"},
            _text("Product_Account_Id__c", "Account id in the product", 40),
        ],
        "Opportunity": [
            stage,
            _lead_source(),
            _currency(),
            _picklist("Pipeline__c", "Pipeline", ["New business", "Expansion", "Renewal"]),
            *_shared(),
            _long_text("Success_Criteria__c", "Success in the first 90 days"),
            {"name": "Next_Step_Date__c", "type": "date", "label": "Next step date"},
            _picklist("Loss_Reason__c", "Loss reason", [*dict.fromkeys(LOSS_REASONS)]),
        ],
    }


def _options(options: dict[str, str]) -> list[Option]:
    return [{"value": value, "label": label} for value, label in options.items()]


def _property(name: str, kind: str, label: str, field_type: str = "") -> HubspotProperty:
    types = {"string": "text", "number": "number", "datetime": "date"}
    return {
        "name": name,
        "type": kind,
        "label": label,
        "fieldType": field_type or types[kind],
        "groupName": "contactinformation",
    }


def _choice(name: str, label: str, options: dict[str, str]) -> HubspotProperty:
    return {**_property(name, "enumeration", label, "select"), "options": _options(options)}


def hubspot_properties() -> dict[str, list[HubspotProperty]]:
    return {
        "contacts": [
            _property("fleet_size", "number", "Fleet size"),
            _choice("lead_origin", "Lead origin", dict(ORIGINS)),
            _choice("role_level", "Role level", ROLE_LEVELS),
            _property("demo_requested_at", "datetime", "Demo requested at"),
            _property("pricing_page_views", "number", "Pricing page views"),
            _property("content_downloads", "number", "Content downloads"),
            _property("webinar_attended_at", "datetime", "Webinar attended at"),
            _property("last_engagement", "string", "Last engagement"),
            _property("buyer_words", "string", "What they want, in their own words", "textarea"),
            _property("salesforceleadid", "string", "Salesforce Lead ID"),
            _choice("business_unit", "Business unit", BUSINESS_UNITS),
            _choice("region", "Region", REGIONS),
            _property("industry", "string", "Industry"),
            _choice("relationship", "Relationship when they came", RELATIONSHIPS),
            _property("do_not_contact", "bool", "Do not contact", "booleancheckbox"),
            _property("hs_email_optout", "bool", "Unsubscribed from all email", "booleancheckbox"),
            _property("product_user_id", "string", "User id in the product"),
            _choice("product_plan", "Plan in the product", PLANS),
        ]
    }


def schema() -> Schema:
    return {"salesforce": salesforce_fields(), "hubspot": hubspot_properties()}
