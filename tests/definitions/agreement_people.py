"""The people of the stories: two of RevOps, who leads which team, and a rep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from definitions.files.model_files import apply, load
from definitions.models import Version
from definitions.versions import version_at
from teams.models import BusinessUnit, Membership, Person, Role, Team
from tests.definitions.conftest import LONG_AGO, NOW


@dataclass(frozen=True)
class Cast:
    ines: Person  # RevOps
    bram: Person  # RevOps, too
    theo: Person  # leads Marketing
    marisol: Person  # manages SDR
    dana: Person  # an SDR
    felix: Person  # an account executive; nobody of Sales leads, so whom he reports to signs
    corinne: Person  # leads those of Sales, from the executives' team
    rosalind: Person  # manages CS


def load_little_model() -> None:
    """In force for 400 days; needs the catalogue, the connections and the teams."""
    apply(load(Path(__file__).with_name("little_model.yaml")), now=NOW, force=True, effective_from=LONG_AGO)


def cast(teams: Mapping[str, Team]) -> Cast:
    unit = BusinessUnit.objects.create(key="fleet", name="Fleet")
    executive = Team.objects.create(key="executive", name="Executives")

    def person(name: str, role: Role, team: Team, manager: Person | None = None) -> Person:
        email = f"{name.split(maxsplit=1)[0].lower()}@fernhill.example"
        found = Person.objects.create_user(email, name=name, role=role, manager=manager)
        found.business_units.add(unit)
        Membership.objects.create(person=found, team=team, started_at=LONG_AGO)
        return found

    corinne = person("Corinne Valderoy", Role.LEADER, executive)
    marisol = person("Marisol Tannehurst", Role.MANAGER, teams["sdr"], corinne)
    return Cast(
        ines=person("Ines Kalderon", Role.REVOPS_ADMIN, teams["revops"]),
        bram=person("Bram Ostervald", Role.REVOPS_ADMIN, teams["revops"]),
        theo=person("Theo Brackwell", Role.LEADER, teams["marketing"]),
        marisol=marisol,
        dana=person("Dana Okwell", Role.REP, teams["sdr"], marisol),
        felix=person("Felix Dornkamp", Role.REP, teams["sales"], corinne),
        corinne=corinne,
        rosalind=person("Rosalind Amberley", Role.MANAGER, teams["cs"], corinne),
    )


def in_force(key: str = "mql", section: str = "definitions", at: datetime | None = None) -> Version:
    found = version_at(section, key, at or NOW)
    assert found is not None
    return found


def stricter(body: Mapping[str, Any], least: int = 20) -> dict[str, Any]:
    """The MQL of the starter model with a larger fleet."""
    conditions = [dict(c) for c in body["criteria"]["all"]]
    conditions[0]["value"] = least
    return {**body, "criteria": {"all": conditions}}
