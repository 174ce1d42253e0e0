"""The shape of the world that the stand-in CRMs hold, and the CRMs' own id forms.

A generator (``fernhill/``) or a test makes a ``World``; ``load_world`` in ``store.py`` takes it in.
Field values are Python values: str, int, float, bool, None, aware UTC ``datetime`` or ``date``; the store
writes them in the form the CRM itself uses.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NotRequired, TypedDict

HUBSPOT_TYPES = ("contacts", "companies", "deals", "calls", "meetings", "emails", "notes", "tasks", "leads")

Value = str | int | float | bool | None | datetime | date


class Change(TypedDict):
    """One change of one field. ``by`` is a Salesforce user id or a HubSpot owner's user id; "" for the system."""

    field: str
    old: Value
    new: Value
    at: datetime
    by: str


class Association(TypedDict):
    """HubSpot only. The store adds the other direction, so that one of the two is enough."""

    to_type: str
    to_id: str
    type_id: int


class Row(TypedDict):
    """One record. ``fields`` is the state after the last change of ``history``; ids are not repeated in it."""

    id: str
    fields: dict[str, Value]
    created: datetime
    modified: datetime
    history: NotRequired[list[Change]]
    deleted: NotRequired[bool]
    associations: NotRequired[list[Association]]


class PicklistValue(TypedDict):
    """``converted`` for Lead Status; ``closed``, ``won`` and ``probability`` (0-100) for StageName."""

    value: str
    label: NotRequired[str]
    converted: NotRequired[bool]
    closed: NotRequired[bool]
    won: NotRequired[bool]
    probability: NotRequired[float]


class SalesforceField(TypedDict):
    """``type`` as in a describe answer: string, email, phone, picklist, reference, datetime, double, …"""

    name: str
    type: str
    label: str
    length: NotRequired[int]
    values: NotRequired[list[str | PicklistValue]]
    restricted: NotRequired[bool]
    reference_to: NotRequired[list[str]]
    required: NotRequired[bool]
    updateable: NotRequired[bool]
    calculated: NotRequired[bool]
    tracked: NotRequired[bool]


class Option(TypedDict):
    value: str
    label: str


class HubspotProperty(TypedDict):
    """``type``: string, number, enumeration, date, datetime, bool; ``fieldType``: text, select, date, …"""

    name: str
    type: str
    label: str
    fieldType: NotRequired[str]
    groupName: NotRequired[str]
    options: NotRequired[list[Option]]
    readOnly: NotRequired[bool]
    calculated: NotRequired[bool]
    hidden: NotRequired[bool]


class Schema(TypedDict):
    """Fields beyond, or instead of, the ones every stand-in has (``schema.py``), by object or type."""

    salesforce: NotRequired[dict[str, list[SalesforceField]]]
    hubspot: NotRequired[dict[str, list[HubspotProperty]]]


class User(TypedDict):
    """A Salesforce user (id prefix 005). ``title``, ``department`` and ``manager_id`` are optional."""

    id: str
    first_name: str
    last_name: str
    email: str
    active: bool
    title: NotRequired[str]
    department: NotRequired[str]
    manager_id: NotRequired[str | None]
    role: NotRequired[str]
    time_zone: NotRequired[str]


class Owner(TypedDict):
    """A HubSpot owner. ``id`` goes into ``hubspot_owner_id`` and is not ``user_id``."""

    id: str
    user_id: int
    first_name: str
    last_name: str
    email: str
    archived: bool
    teams: NotRequired[list[str]]


class Queue(TypedDict):
    """A Salesforce queue (Group of type Queue, prefix 00G). ``members`` are user ids."""

    id: str
    name: str
    members: list[str]
    assigns_leads: NotRequired[bool]


class Stage(TypedDict):
    """``probability`` from 0 to 1."""

    id: str
    label: str
    probability: float
    closed: bool


class Pipeline(TypedDict):
    """A HubSpot pipeline; ``object_type`` is ``deals`` unless said otherwise."""

    id: str
    label: str
    stages: list[Stage]
    object_type: NotRequired[str]


class LiveLead(TypedDict):
    """Story 17: the HubSpot contact (by id) that the button turns into an MQL, and the properties it sets."""

    contact_id: str
    properties: dict[str, Value]


class World(TypedDict):
    """Everything both CRMs hold. ``salesforce`` by object name, ``hubspot`` by plural type name."""

    salesforce: dict[str, list[Row]]
    hubspot: dict[str, list[Row]]
    schema: NotRequired[Schema]
    users: NotRequired[list[User]]
    owners: NotRequired[list[Owner]]
    queues: NotRequired[list[Queue]]
    pipelines: NotRequired[list[Pipeline]]
    live_leads: NotRequired[list[LiveLead]]


def empty_world() -> World:
    return {"salesforce": {}, "hubspot": {}}


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def salesforce_id(prefix: str, n: int) -> str:
    """The valid 18-character id number ``n`` of the object whose ids begin with ``prefix`` (3 characters)."""
    digits = ""
    while n:
        n, rest = divmod(n, 62)
        digits = _DIGITS[rest] + digits
    return salesforce_id_18(f"{prefix}Fh{digits:0>10}")


def salesforce_id_18(value: str) -> str:
    """The 18-character form of a 15- or 18-character id; anything else comes back as it is."""
    if len(value) != 15:
        return value
    check = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(value[start : start + 5]) if "A" <= c <= "Z")
        check += _CHECK[bits]
    return value + check
