"""What is decided about a person before a single row is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from integrations.standins.fernhill.people import Person
from integrations.standins.world import salesforce_id

Group = Literal["both", "marketing", "sales", "neither", "live", "earlier", "customer"]
"""Whose rule the person meets; ``earlier`` and ``customer`` came before the year that is counted."""

Pace = Literal["hour", "day", "late", "never"]
"""First touch after the MQL entry: under an hour, one to 24 hours, later, never."""

ORIGINS = {
    "demo_request": "Demo request",
    "pricing": "Pricing page",
    "webinar": "Webinar",
    "content": "Content",
    "partner": "Partner",
    "paid_social": "Paid social",
    "event": "Event",
    "outbound": "Outbound",
}


@dataclass(slots=True, eq=False)
class Company:
    name: str
    domain: str
    country: str
    region: str
    unit: str
    industry: str
    fleet: int | None
    account: int = 0

    @property
    def currency(self) -> str:
        return "EUR" if self.region == "EMEA" else "USD"

    @property
    def account_id(self) -> str:
        return salesforce_id("001", self.account)


@dataclass(slots=True, eq=False)
class Note:
    """A human contact: ``kind`` is call, email, meeting or hubspot_call; a meeting was booked before it begins."""

    kind: str
    at: datetime
    by: Person
    text: str
    booked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the account executive answered to the handoff, in the Lead's own fields; ``reason`` of what goes back."""

    at: datetime
    said: Literal["Accept", "Send back"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EarlierPass:
    """A first time as an MQL that ended without a deal."""

    mql_at: datetime
    touched_at: datetime
    recycled_at: datetime
    reason: str


@dataclass(slots=True, eq=False)
class Prospect:
    """One person: a HubSpot contact and, if ``synced``, the Salesforce Lead of the same e-mail address.

    A story sets what it needs; ``leads.settle`` decides whatever is still None. ``story`` names the story that
    keeps the person for itself: ordinary life then adds nothing that would change its numbers.
    """

    n: int
    origin: str
    group: Group
    qualifies: bool = False
    deal: bool = False
    story: str = ""
    quarter: int | None = None
    pace: Pace | None = None
    region: str | None = None
    unit: str | None = None
    owner: Person | None = None
    executive: Person | None = None
    queued: bool = False
    by_webinar_only: bool = False

    created: datetime | None = None
    mql_at: datetime | None = None
    owned_at: datetime | None = None
    touched_at: datetime | None = None
    qualified_at: datetime | None = None
    converted_at: datetime | None = None
    closed_at: datetime | None = None
    churned_at: datetime | None = None
    recycle_reason: str | None = None
    earlier_pass: EarlierPass | None = None
    lead_status: str | None = None

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    title: str = ""
    phone: str = ""
    role_level: str | None = None
    company: Company | None = None
    demo_at: datetime | None = None
    pricing_views: int | None = None
    downloads: int | None = None
    webinar_at: datetime | None = None
    relationship: str = "prospect"
    do_not_contact: bool = False
    opted_out: bool = False
    plan: str | None = None
    last_engagement: str = ""
    buyer_words: str = ""
    pain: str | None = None
    impact: str | None = None
    timeline: str | None = None
    stakeholders: str | None = None
    confirmed: tuple[bool, bool, bool] | None = None
    notes: list[Note] = field(default_factory=list)
    answer: Answer | None = None

    contact_number: int = 0
    lead_number: int = 0

    @property
    def is_mql(self) -> bool:
        return self.group in ("both", "marketing")

    @property
    def in_the_year(self) -> bool:
        return self.group in ("both", "marketing", "sales", "neither", "live")

    @property
    def synced(self) -> bool:
        """Whether there is a Salesforce Lead."""
        return self.group in ("both", "marketing", "sales", "live", "earlier")

    @property
    def office(self) -> str:
        return "Berlin" if self.region == "EMEA" else "Austin"

    @property
    def product_user(self) -> str | None:
        """The id in Fernhill's product of who uses it."""
        return f"u_{4000 + self.n}" if self.plan else None

    @property
    def score(self) -> int:
        """What HubSpot makes of their behaviour."""
        looked = 8 * (self.pricing_views or 0) + 5 * (self.downloads or 0)
        return looked + (15 if self.webinar_at else 0) + (30 if self.demo_at else 0)

    @property
    def contact_id(self) -> str:
        return str(self.contact_number)

    @property
    def lead_id(self) -> str:
        return salesforce_id("00Q", self.lead_number)

    @property
    def sales_contact_id(self) -> str:
        """The Salesforce Contact of a converted Lead or of a customer."""
        return salesforce_id("003", self.n + 1)

    @property
    def opportunity_id(self) -> str:
        return salesforce_id("006", self.n + 1)
