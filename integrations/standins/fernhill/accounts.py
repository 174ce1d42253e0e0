"""Accounts with their Contacts and contact roles: whoever has a deal."""

from __future__ import annotations

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.deals import WON
from integrations.standins.fernhill.prospect import Company, Prospect
from integrations.standins.world import Row, salesforce_id

_ROLES = {"decision_maker": "Decision Maker", "influencer": "Influencer", "user": "User", None: "Other"}


def number(builder: WorldBuilder) -> None:
    """Give every company that has a deal or a customer an account number."""
    counter = 0
    for p in _people_of_accounts(builder):
        if p.company and not p.company.account:
            counter += 1
            p.company.account = counter


def _people_of_accounts(builder: WorldBuilder) -> list[Prospect]:
    return [p for p in builder.prospects if p.deal or p.group == "customer"]


def account_rows(builder: WorldBuilder) -> list[Row]:
    customers = {d.prospect.company for d in builder.deals if d.stage == WON}
    first: dict[Company, Prospect] = {}
    for p in _people_of_accounts(builder):
        if p.company:
            first.setdefault(p.company, p)
    return [_account_row(company, p, is_customer=company in customers) for company, p in first.items()]


def _account_row(company: Company, p: Prospect, *, is_customer: bool) -> Row:
    if p.created is None or p.executive is None:
        raise ValueError(f"{company.name} belongs to nobody")
    created = (p.converted_at or p.created).replace(microsecond=0)
    return {
        "id": company.account_id,
        "created": created,
        "modified": p.churned_at.replace(microsecond=0) if p.churned_at else created,
        "fields": {
            "Name": company.name,
            "Type": "Former customer" if p.churned_at else "Customer" if is_customer else "Prospect",
            "Industry": company.industry,
            "Website": f"https://www.{company.domain}",
            "Phone": p.phone,
            "BillingCountry": company.country,
            "OwnerId": p.executive.user_id,
            "CurrencyIsoCode": company.currency,
            "Business_Unit__c": company.unit,
            "Region__c": company.region,
            "Fleet_Size__c": company.fleet,
            "Churned_On__c": p.churned_at.date() if p.churned_at else None,
            "Product_Account_Id__c": company.domain.partition(".")[0][:40] if is_customer else None,
        },
    }


def sales_contact_rows(builder: WorldBuilder) -> list[Row]:
    return [_sales_contact_row(p) for p in _people_of_accounts(builder)]


def _sales_contact_row(p: Prospect) -> Row:
    if p.created is None or p.company is None or p.executive is None:
        raise ValueError(f"person {p.n} is nobody yet")
    created = (p.converted_at or p.created).replace(microsecond=0)
    return {
        "id": p.sales_contact_id,
        "created": created,
        "modified": created,
        "fields": {
            "FirstName": p.first_name,
            "LastName": p.last_name,
            "Title": p.title,
            "Email": p.email,
            "Phone": p.phone,
            "AccountId": p.company.account_id,
            "OwnerId": p.executive.user_id,
            "MailingCountry": p.company.country,
            "HubSpot_Contact_Id__c": p.contact_id,
        },
    }


def contact_role_rows(builder: WorldBuilder) -> list[Row]:
    rows: list[Row] = []
    for n, deal in enumerate(builder.deals, start=1):
        created = deal.path[0][1].replace(microsecond=0)
        rows.append(
            {
                "id": salesforce_id("00K", n),
                "created": created,
                "modified": created,
                "fields": {
                    "OpportunityId": deal.id,
                    "ContactId": deal.prospect.sales_contact_id,
                    "Role": _ROLES[deal.prospect.role_level],
                    "IsPrimary": True,
                },
            }
        )
    return rows
