"""Names for differences in words: fields by the catalogue, teams by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from definitions.agreement.differences import Speaker
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue, CriterionError, parse
from teams.models import Team

_TEAMS = frozenset(
    {"owner", "agreed_by", "teams", "from_team", "to_team", "shared_with", "owner_in_team", "touch_by_team"}
)


def speaker_from_db() -> Speaker:
    """Two queries."""
    return speaker(catalogue_from_db(), dict(Team.objects.values_list("key", "name")))


def speaker(catalogue: Catalogue, teams: Mapping[str, str]) -> Speaker:
    raw = Speaker()

    def condition(tree: Any, object_name: str) -> str:
        try:
            return parse(tree, catalogue, object=object_name).to_english()
        except CriterionError:
            # A draft may be half done: what can't be built is shown as it was written.
            return raw.condition(tree, object_name)

    return Speaker(condition, lambda key, value: teams.get(value, value) if key in _TEAMS else value)
