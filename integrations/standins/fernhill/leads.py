"""People as rows: HubSpot contacts and the Salesforce Leads that are in step with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from integrations.standins.fernhill.builder import WorldBuilder
from integrations.standins.fernhill.life import CUSTOMER_COMPANIES, PURSUED_COMPANIES
from integrations.standins.fernhill.names import Names
from integrations.standins.fernhill.notes import Notes
from integrations.standins.fernhill.people import QUEUE_ID
from integrations.standins.fernhill.prospect import ORIGINS, Company, Prospect
from integrations.standins.load import INTEGRATION_USER_ID
from integrations.standins.world import Change, Row, Value

_SOURCES = {
    "demo_request": ("ORGANIC_SEARCH", "DIRECT_TRAFFIC", "PAID_SEARCH"),
    "pricing": ("ORGANIC_SEARCH", "DIRECT_TRAFFIC", "REFERRALS"),
    "webinar": ("EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS"),
    "content": ("ORGANIC_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA"),
    "partner": ("REFERRALS",),
    "paid_social": ("PAID_SOCIAL",),
    "event": ("OFFLINE",),
    "outbound": ("OFFLINE",),
}
_TIMES = ("never", "once", "twice", "three times", "four times", "five times")


def describe(builder: WorldBuilder) -> None:
    """Give everyone a name, a company and the behaviour that their group implies."""
    random = builder.random("describe")
    names = Names(builder.random("names"))
    notes = Notes(builder.random("notes"))
    companies: list[Company] = []
    customers: list[Company] = []
    for p in builder.prospects:
        _describe_behaviour(p, random)
        if p.group == "customer" and len(customers) == CUSTOMER_COMPANIES + PURSUED_COMPANIES:
            p.company = customers[p.n % CUSTOMER_COMPANIES]
            p.region, p.unit = p.company.region, p.company.unit
        if p.company is None:
            p.company = _choose_company(p, companies, names, random)
            if p.group == "customer":
                customers.append(p.company)
        if not p.first_name:
            p.first_name, p.last_name = names.person(p.company.region)
            p.title = names.title(p.role_level, p.company.country)
        p.email = names.email(p.first_name, p.last_name, p.company)
        p.phone = names.phone(p.company.country)
        if not p.last_engagement:
            p.last_engagement = _tell_engagement(p)
        _describe_conversation(p, notes, random)


def _choose_company(p: Prospect, known: list[Company], names: Names, random: Random) -> Company:
    """A new company, or for people who are nobody's lead sometimes one that is known already."""
    if p.region is None or p.unit is None:
        raise ValueError(f"person {p.n} has no place")
    if p.group == "neither" and known and random.random() < 0.12:
        company = random.choice(known)
        if company.region == p.region and (_does_nothing(p) or (company.fleet or 0) < 10):
            return company
    company = names.company(p.region, p.unit, _fleet(p, random))
    if p.group == "neither":
        known.append(company)
    return company


def _fleet(p: Prospect, random: Random) -> int | None:
    large = 20 + round(random.paretovariate(1.15) * 12)
    if p.group in ("both", "sales"):
        return min(large, 900)
    if p.group == "marketing":
        if p.origin in ("demo_request", "partner") and p.role_level != "user":
            return random.randint(10, 19)
        return random.choice((random.randint(10, 19), min(large, 900)))
    if p.group == "neither":
        if _does_nothing(p):
            return random.choice((random.randint(10, 120), random.randint(1, 9)))
        return None if random.random() < 0.45 else random.randint(1, 9)
    return random.choice((random.randint(8, 19), min(large, 700), min(large, 700)))


def _does_nothing(p: Prospect) -> bool:
    quiet = (p.pricing_views or 0) < 2 and (p.downloads or 0) < 3 and not p.webinar_at and not p.demo_at
    return quiet and p.origin != "outbound"


def _describe_behaviour(p: Prospect, random: Random) -> None:
    if p.group == "live":
        return
    if p.created is None:
        raise ValueError(f"person {p.n} was never created")
    until = p.mql_at or p.created + timedelta(hours=2)
    within = until - timedelta(seconds=max(1.0, random.random() * (until - p.created).total_seconds()))
    p.pricing_views, p.downloads = random.choice((0, 0, 1)), random.choice((0, 0, 1, 2))
    p.role_level = random.choice(("decision_maker", "influencer"))
    if p.origin == "demo_request":
        p.demo_at = max(until - timedelta(seconds=15), p.created)
    if p.group == "both" or p.group in ("earlier", "customer"):
        p.pricing_views = random.choice((3, 3, 3, 4, 4, 5, 6, 8))
        if p.origin in ("demo_request", "partner"):
            p.pricing_views = random.choice((2, 2, 3, 4))
        p.downloads = random.choice((0, 1, 1, 2, 3, 5)) if p.origin != "content" else random.randint(2, 6)
        if not p.webinar_at and (p.origin == "webinar" or random.random() < 0.15):
            p.webinar_at = within
    elif p.group == "marketing":
        _describe_marketing_only(p, within, random)
    elif p.group == "neither":
        p.role_level = random.choice(("decision_maker", "influencer", "user", "user", None, None))
        if p.origin == "webinar":
            p.webinar_at = within
        elif p.origin == "content":
            p.downloads = random.choice((1, 1, 2, 3, 4))
        elif p.origin == "pricing":
            p.pricing_views = random.choice((1, 1, 2, 3))


def _describe_marketing_only(p: Prospect, within: datetime, random: Random) -> None:
    """Meets Marketing's rule and fails Sales': by fleet, by role, or for want of a demo or a third look at prices."""
    if p.origin in ("demo_request", "partner"):
        if random.random() < 0.5:
            p.role_level = "user"
        p.pricing_views = random.choice((2, 2, 3, 4) if p.origin == "partner" else (0, 1, 2, 3))
        return
    p.role_level = random.choice(("decision_maker", "influencer", "user", "user"))
    if p.by_webinar_only:
        p.webinar_at = p.webinar_at or within
    elif p.origin == "content":
        p.downloads = random.choice((3, 3, 4, 5, 7))
    elif p.origin == "pricing" or random.random() < 0.5:
        p.pricing_views = 2
    else:
        p.downloads = random.choice((3, 4, 5))


def _tell_engagement(p: Prospect) -> str:
    said = []
    if p.demo_at:
        said.append("requested a demo")
    if p.webinar_at:
        said.append("attended the uptime webinar" if p.n % 3 else "attended the workshop planning webinar")
    if p.origin == "partner":
        said.append("introduced by a partner")
    if p.origin == "event":
        said.append("visited our stand")
    if p.origin == "paid_social" and not said:
        said.append("clicked an ad")
    if p.downloads:
        guide = (
            "maintenance cost guide",
            "inspection checklist",
            "replacement calculator",
            "yard safety guide",
        )[p.n % 4]
        said.append(f"downloaded the {guide}" if p.downloads == 1 else f"downloaded {p.downloads} guides")
    if p.pricing_views:
        times = _TIMES[p.pricing_views] if p.pricing_views < len(_TIMES) else f"{p.pricing_views} times"
        said.append(f"viewed Pricing {times}")
    if not said:
        said.append("answered a cold e-mail" if p.origin == "outbound" else "subscribed to the newsletter")
    text = "; ".join(said[:3])
    return text[0].upper() + text[1:]


def _describe_conversation(p: Prospect, notes: Notes, random: Random) -> None:
    unit = p.unit or "fleet"
    talkative = p.origin in ("demo_request", "partner", "pricing") or p.qualifies
    if (
        not p.buyer_words
        and p.group not in ("neither", "live")
        and random.random() < (0.85 if talkative else 0.15)
    ):
        p.buyer_words = notes.buyer_words(unit, p.company.country if p.company else "")
    if p.story == "present-qualified":
        return
    if p.qualified_at:
        p.pain = notes.pain(unit, p.first_name) if random.random() < 0.94 else "tbd"
        p.impact = notes.impact(unit) if random.random() < 0.74 else None
        p.timeline = notes.timeline(unit) if random.random() < 0.79 else None
        p.stakeholders = notes.stakeholders(unit) if random.random() < 0.66 else None
        p.confirmed = (random.random() < 0.95, random.random() < 0.72, random.random() < 0.7)
    elif p.touched_at and random.random() < 0.18:
        p.pain = notes.pain(unit, p.first_name)
    if p.lead_status in ("Nurture", "Disqualified"):
        p.recycle_reason = notes.recycle_reason() if p.touched_at or random.random() < 0.3 else None


def number(builder: WorldBuilder) -> None:
    """Ids in the order of creation, as a CRM gives them."""
    ordered = sorted(builder.prospects, key=lambda p: (p.created or builder.anchor, p.n))
    for i, p in enumerate(ordered, start=1):
        if not p.contact_number:
            p.contact_number = 71_000_000_000 + 61 * i
        p.lead_number = i


class _Story:
    """The changes of one row, kept in order of time."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def add(self, field: str, old: Value, new: Value, at: datetime | None, by: str) -> None:
        if at is None:
            raise ValueError(f"{field} became {new!r}, nobody knows when")
        self.changes.append(
            {"field": field, "old": old, "new": new, "at": at.replace(microsecond=0), "by": by}
        )

    def in_order(self) -> list[Change]:
        return sorted(self.changes, key=lambda c: c["at"])


def contact_rows(builder: WorldBuilder) -> list[Row]:
    return [_contact_row(p) for p in builder.prospects]


def _stages(p: Prospect) -> list[tuple[str, datetime]]:
    """The lifecycle stages with their moments; HubSpot learns of Sales' steps a few minutes late."""
    if p.created is None:
        raise ValueError(f"person {p.n} was never created")
    first = (
        "subscriber" if p.origin in ("content", "webinar") and p.group in ("neither", "marketing") else "lead"
    )
    stages = [(first, p.created)]
    if p.earlier_pass:
        stages += [("marketingqualifiedlead", p.earlier_pass.mql_at), ("lead", p.earlier_pass.recycled_at)]
    if p.group != "sales" and p.mql_at:
        stages.append(("marketingqualifiedlead", max(p.mql_at, p.created + timedelta(seconds=1))))
    if p.qualified_at:
        stages.append(("salesqualifiedlead", p.qualified_at + timedelta(minutes=4)))
    if p.converted_at:
        stages.append(("opportunity", p.converted_at + timedelta(minutes=7)))
    if p.closed_at:
        stages.append(("customer", p.closed_at + timedelta(minutes=9)))
    return stages


def _contact_row(p: Prospect) -> Row:
    if p.created is None or p.company is None:
        raise ValueError(f"person {p.n} is nobody yet")
    history = _Story()
    stage: str | None = None
    for new, moment in _stages(p):
        history.add("lifecyclestage", stage, new, moment, "")
        stage = new
    owner = None
    if p.owner and p.owned_at:
        owner = p.owner.owner_id
        history.add("hubspot_owner_id", None, owner, max(p.owned_at, p.created), "")
    changes = history.in_order()
    return {
        "id": p.contact_id,
        "created": p.created.replace(microsecond=0),
        "modified": max(c["at"] for c in changes),
        "history": changes,
        "fields": {
            "email": p.email,
            "firstname": p.first_name,
            "lastname": p.last_name,
            "jobtitle": p.title,
            "company": p.company.name,
            "phone": p.phone,
            "country": p.company.country,
            "lifecyclestage": stage,
            "hs_lead_status": _hubspot_status(p),
            "hubspot_owner_id": owner,
            "hs_analytics_source": _SOURCES[p.origin][p.n % len(_SOURCES[p.origin])],
            "fleet_size": p.company.fleet,
            "lead_origin": p.origin,
            "role_level": p.role_level,
            "demo_requested_at": p.demo_at.replace(microsecond=0) if p.demo_at else None,
            "pricing_page_views": p.pricing_views,
            "content_downloads": p.downloads,
            "webinar_attended_at": p.webinar_at.replace(microsecond=0) if p.webinar_at else None,
            "last_engagement": p.last_engagement,
            "buyer_words": p.buyer_words,
            "salesforceleadid": p.lead_id if p.synced else None,
            "business_unit": p.unit,
            "region": p.company.region,
            "industry": p.company.industry,
            "hubspotscore": p.score,
            "relationship": p.relationship,
            "do_not_contact": p.do_not_contact,
            "hs_email_optout": p.opted_out,
            "product_user_id": p.product_user,
            "product_plan": p.plan,
        },
    }


def _hubspot_status(p: Prospect) -> str | None:
    if not p.synced:
        return None
    status = {
        "Open": "NEW", "Working": "ATTEMPTED_TO_CONTACT", "Qualified": "CONNECTED", "Converted": "OPEN_DEAL",
        "Nurture": "BAD_TIMING", "Disqualified": "UNQUALIFIED",
    }  # fmt: skip
    return status[p.lead_status or "Open"]


def lead_rows(builder: WorldBuilder) -> list[Row]:
    random = builder.random("leads")
    return [_lead_row(p, builder.anchor, random) for p in builder.prospects if p.synced]


def _lead_row(p: Prospect, anchor: datetime, random: Random) -> Row:
    if p.created is None or p.company is None or p.unit is None:
        raise ValueError(f"person {p.n} is nobody yet")
    came = p.earlier_pass.mql_at if p.earlier_pass else p.mql_at
    created = (came or p.created) + timedelta(seconds=random.randint(12, 38))
    history = _Story()
    owner_id = _add_owners(p, created, history)
    status = _add_statuses(p, anchor, history, random)
    answered = _add_answer(p, history)
    changes = history.in_order()
    need, authority, timeline = p.confirmed or (False, False, False)
    converted = status == "Converted"
    return {
        "id": p.lead_id,
        "created": created.replace(microsecond=0),
        "modified": max([created.replace(microsecond=0), *(c["at"] for c in changes)]),
        "history": changes,
        "fields": {
            "FirstName": p.first_name,
            "LastName": p.last_name,
            "Company": p.company.name,
            "Title": p.title,
            "Email": p.email,
            "Phone": p.phone,
            "Country": p.company.country,
            "Industry": p.company.industry,
            "Status": status,
            "LeadSource": ORIGINS[p.origin],
            "OwnerId": owner_id,
            "CreatedById": INTEGRATION_USER_ID,
            "IsConverted": converted,
            "ConvertedDate": p.converted_at.date() if converted and p.converted_at else None,
            "ConvertedAccountId": p.company.account_id if converted else None,
            "ConvertedContactId": p.sales_contact_id if converted else None,
            "ConvertedOpportunityId": p.opportunity_id if converted else None,
            "HubSpot_Contact_Id__c": p.contact_id,
            "Business_Unit__c": p.unit,
            "Region__c": p.company.region,
            "Fleet_Size__c": p.company.fleet,
            "AE__c": p.executive.user_id if p.executive and not (p.queued and not p.owned_at) else None,
            "Pain__c": p.pain,
            "Impact__c": p.impact,
            "Timeline__c": p.timeline,
            "Stakeholders__c": p.stakeholders,
            "Need_Confirmed__c": need,
            "Authority_Confirmed__c": authority,
            "Timeline_Confirmed__c": timeline,
            "Recycle_Reason__c": p.recycle_reason if status in ("Nurture", "Disqualified") else None,
            **answered,
        },
    }


def _add_answer(p: Prospect, history: _Story) -> dict[str, Value]:
    """The two fields by which who receives a handoff answers it."""
    if p.answer is None:
        return {}
    by = p.executive.user_id if p.executive else ""
    told = {"Gtm_Handoff_Reason__c": p.answer.reason, "Gtm_Handoff_Answer__c": p.answer.said}
    for name, value in told.items():
        if value:
            history.add(name, None, value, p.answer.at, by)
    return {name: value or None for name, value in told.items()}


def _add_owners(p: Prospect, created: datetime, history: _Story) -> str:
    first = QUEUE_ID if p.queued else INTEGRATION_USER_ID
    if p.owner is None or p.owned_at is None:
        return first
    history.add("OwnerId", first, p.owner.user_id, max(p.owned_at, created), "")
    return p.owner.user_id


def _add_statuses(p: Prospect, anchor: datetime, history: _Story, random: Random) -> str:
    """The way of the Lead through its statuses; returns the last one."""
    by = p.owner.user_id if p.owner else ""
    status = "Open"
    end = p.lead_status or "Open"
    steps: list[tuple[str, datetime | None]] = []
    if first := p.earlier_pass:
        back = p.mql_at or anchor
        steps += [("Working", first.touched_at), ("Nurture", first.recycled_at), ("Open", back)]
        history.add("Recycle_Reason__c", None, first.reason, first.recycled_at, by)
        history.add("Recycle_Reason__c", first.reason, None, back, by)
    if p.touched_at:
        steps.append(("Working", p.touched_at + timedelta(seconds=random.randint(30, 600))))
    if p.qualified_at:
        steps.append(("Qualified", p.qualified_at))
    if end == "Converted":
        steps.append(("Converted", p.converted_at))
    elif end in ("Nurture", "Disqualified"):
        since = p.qualified_at or p.touched_at or p.mql_at or anchor
        left = (anchor - timedelta(hours=3) - since).total_seconds()
        days = (
            timedelta(days=random.uniform(3, 34)) if p.touched_at else timedelta(days=random.uniform(2, 60))
        )
        steps.append((end, since + min(days, timedelta(seconds=0.9 * left))))
    for new, moment in steps:
        if moment and moment <= anchor:
            history.add("Status", status, new, moment, by)
            status = new
    return status
