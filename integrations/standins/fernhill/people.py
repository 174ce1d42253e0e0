"""The people of Fernhill: 40 active, 3 leavers, two offices, two business units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from integrations.standins.world import Owner, Queue, User, salesforce_id

BUSINESS_UNITS: Final = {"fleet": "Fernhill Fleet", "yards": "Fernhill Yards"}
TIME_ZONES: Final = {"Austin": "America/Chicago", "Berlin": "Europe/Berlin"}
QUEUE_NAME: Final = "Inbound EMEA queue"
QUEUE_ID: Final = salesforce_id("00G", 1)

FLEET = ("fleet",)
YARDS = ("yards",)
BOTH = ("fleet", "yards")


@dataclass(frozen=True, slots=True)
class Person:
    """``team`` is one of SDR, AE, CS, Marketing, RevOps, Executive; ``role`` is the role in gtmops."""

    number: int
    first_name: str
    last_name: str
    team: str
    role: str
    title: str
    office: str
    units: tuple[str, ...]
    manager: str | None
    active: bool = True

    @property
    def key(self) -> str:
        """The local part of the e-mail address, in plain letters."""
        return f"{self.first_name}.{self.last_name}".lower().translate(_PLAIN)

    @property
    def email(self) -> str:
        return f"{self.key}@fernhill.example"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def time_zone(self) -> str:
        return TIME_ZONES[self.office]

    @property
    def user_id(self) -> str:
        """The Salesforce user id."""
        return salesforce_id("005", self.number)

    @property
    def owner_id(self) -> str:
        """The HubSpot owner id."""
        return str(410_220_000 + 37 * self.number)

    @property
    def hubspot_user_id(self) -> int:
        return 61_300_000 + 53 * self.number


_PLAIN = str.maketrans(
    {
        "ü": "u",
        "ö": "o",
        "ä": "a",
        "ø": "o",
        "ł": "l",
        "é": "e",
        "ó": "o",
        "á": "a",
        "š": "s",
        "ñ": "n",
        "'": "",
    }
)

SDR_TITLE = "Sales Development Representative"
CRO, CMO, SDRS, CS = "corinne.valderoy", "theo.brackwell", "marisol.tannehurst", "rosalind.amberley"

_TABLE: Final = (
    # first, last, team, role, title, office, units, manager, active
    ("Corinne", "Valderoy", "Executive", "leader", "Chief Revenue Officer", "Austin", BOTH, None, True),
    ("Theo", "Brackwell", "Marketing", "leader", "Chief Marketing Officer", "Austin", BOTH, None, True),
    ("Ines", "Kalderon", "RevOps", "revops_admin", "Head of RevOps", "Austin", BOTH, CRO, True),
    ("Jörn", "Hesslund", "RevOps", "revops_admin", "CRM Administrator", "Berlin", BOTH, "ines.kalderon", True),
    ("Marisol", "Tannehurst", "SDR", "manager", "SDR Manager", "Austin", BOTH, CRO, True),
    ("Dana", "Okwell", "SDR", "rep", SDR_TITLE, "Austin", FLEET, SDRS, True),
    ("Calvin", "Restrop", "SDR", "rep", SDR_TITLE, "Austin", FLEET, SDRS, True),
    ("Priya", "Sundarel", "SDR", "rep", SDR_TITLE, "Austin", FLEET, SDRS, True),
    ("Wyatt", "Grenlow", "SDR", "rep", SDR_TITLE, "Austin", YARDS, SDRS, True),
    ("Nadia", "Femmeroy", "SDR", "rep", "Senior SDR", "Austin", BOTH, SDRS, True),
    ("Lukas", "Brandtner", "SDR", "rep", SDR_TITLE, "Berlin", FLEET, SDRS, True),
    ("Zofia", "Wrzelska", "SDR", "rep", SDR_TITLE, "Berlin", FLEET, SDRS, True),
    ("Emre", "Akbulan", "SDR", "rep", SDR_TITLE, "Berlin", FLEET, SDRS, True),
    ("Hanne", "Sørlund", "SDR", "rep", SDR_TITLE, "Berlin", YARDS, SDRS, True),
    ("Mateo", "Quirós", "SDR", "rep", "Senior SDR", "Berlin", BOTH, SDRS, True),
    ("Grant", "Holloway-Pike", "AE", "rep", "Account Executive", "Austin", FLEET, CRO, True),
    ("Simone", "Arledge", "AE", "rep", "Account Executive", "Austin", FLEET, CRO, True),
    ("Beau", "Tressler", "AE", "rep", "Account Executive", "Austin", FLEET, CRO, True),
    ("Mei-Lin", "Harrowgate", "AE", "rep", "Senior Account Executive", "Austin", BOTH, CRO, True),
    ("Terrence", "Ossowick", "AE", "rep", "Account Executive", "Austin", YARDS, CRO, True),
    ("Paloma", "Verdejo", "AE", "rep", "Account Executive", "Austin", YARDS, CRO, True),
    ("Rhett", "Calloran", "AE", "rep", "Enterprise Account Executive", "Austin", BOTH, CRO, True),
    ("Felix", "Dornkamp", "AE", "rep", "Account Executive", "Berlin", FLEET, CRO, True),
    ("Annika", "Rosvall", "AE", "rep", "Account Executive", "Berlin", FLEET, CRO, True),
    ("Tobias", "Lenzfeld", "AE", "rep", "Account Executive", "Berlin", FLEET, CRO, True),
    ("Camille", "Desrivaux", "AE", "rep", "Account Executive", "Berlin", FLEET, CRO, True),
    ("Piotr", "Zalewicz", "AE", "rep", "Account Executive", "Berlin", YARDS, CRO, True),
    ("Greta", "Eichmoor", "AE", "rep", "Account Executive", "Berlin", YARDS, CRO, True),
    ("Oluwaseun", "Adebriol", "AE", "rep", "Senior Account Executive", "Berlin", BOTH, CRO, True),
    ("Katja", "Wiesenthor", "AE", "rep", "Enterprise Account Executive", "Berlin", BOTH, CRO, True),
    ("Rosalind", "Amberley", "CS", "manager", "Customer Success Manager, Team Lead", "Berlin", BOTH, CRO, True),
    ("Devon", "Maplethorn", "CS", "rep", "Customer Success Manager", "Austin", FLEET, CS, True),
    ("Yara", "Benhallam", "CS", "rep", "Customer Success Manager", "Austin", BOTH, CS, True),
    ("Isak", "Lundqvara", "CS", "rep", "Customer Success Manager", "Berlin", FLEET, CS, True),
    ("Chiara", "Monteverro", "CS", "rep", "Onboarding Manager", "Berlin", BOTH, CS, True),
    ("Jude", "Ferncastle", "CS", "rep", "Customer Success Manager", "Austin", YARDS, CS, True),
    ("Milan", "Horváthy", "CS", "rep", "Customer Success Manager", "Berlin", YARDS, CS, True),
    ("Saskia", "Bloemhart", "Marketing", "rep", "Demand Generation Manager", "Berlin", BOTH, CMO, True),
    ("Andre", "Whitlock-Rey", "Marketing", "rep", "Marketing Operations Manager", "Austin", BOTH, CMO, True),
    ("Noor", "Haddenfeld", "Marketing", "rep", "Content and Events Manager", "Berlin", BOTH, CMO, True),
    ("Silas", "Kerbridge", "SDR", "rep", SDR_TITLE, "Berlin", FLEET, SDRS, False),
    ("Femke", "Dijkwater", "SDR", "rep", SDR_TITLE, "Berlin", BOTH, SDRS, False),
    ("Ronan", "Ashgrove", "AE", "rep", "Account Executive", "Austin", FLEET, CRO, False),
)  # fmt: skip

PEOPLE: Final[tuple[Person, ...]] = tuple(
    Person(number, first, last, team, role, title, office, units, manager, active)
    for number, (first, last, team, role, title, office, units, manager, active) in enumerate(
        _TABLE, start=101
    )
)
PERSON: Final = {person.key: person for person in PEOPLE}

DEMO_PEOPLE: Final = {
    "revops_admin": "ines.kalderon@fernhill.example",
    "sdr": "dana.okwell@fernhill.example",
    "ae": "felix.dornkamp@fernhill.example",
    "cs_manager": "rosalind.amberley@fernhill.example",
    "sdr_manager": "marisol.tannehurst@fernhill.example",
    "cro": "corinne.valderoy@fernhill.example",
    "cmo": "theo.brackwell@fernhill.example",
}
"""The demo sign-ins: role to e-mail address."""

DEMO_SDR: Final = PERSON["dana.okwell"]
DEMO_AE: Final = PERSON["felix.dornkamp"]


def team(
    name: str, *, active: bool = True, office: str | None = None, unit: str | None = None
) -> list[Person]:
    """The people of a team without its manager, in a fixed order."""
    return [
        p
        for p in PEOPLE
        if p.team == name
        and p.active == active
        and p.role == "rep"
        and (office is None or p.office == office)
        and (unit is None or unit in p.units)
    ]


def users() -> list[User]:
    return [
        {
            "id": p.user_id,
            "first_name": p.first_name,
            "last_name": p.last_name,
            "email": p.email,
            "active": p.active,
            "title": p.title,
            "department": p.team,
            "manager_id": PERSON[p.manager].user_id if p.manager else None,
            "role": f"{p.team} {p.office}",
            "time_zone": p.time_zone,
        }
        for p in PEOPLE
    ]


def owners() -> list[Owner]:
    return [
        {
            "id": p.owner_id,
            "user_id": p.hubspot_user_id,
            "first_name": p.first_name,
            "last_name": p.last_name,
            "email": p.email,
            "archived": not p.active,
            "teams": [p.team],
        }
        for p in PEOPLE
    ]


def queues() -> list[Queue]:
    """The black hole of story 4: both members have left."""
    members = [p.user_id for p in team("SDR", active=False)]
    return [{"id": QUEUE_ID, "name": QUEUE_NAME, "members": members}]
