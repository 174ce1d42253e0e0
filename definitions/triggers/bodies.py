"""The typed form of a trigger. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from definitions.bodies import DefinitionBody, definition_body
from definitions.criteria import Catalogue
from definitions.sections import Body

TRIGGERS = "triggers"

KINDS = {
    "product_usage": "Product usage",
    "engagement": "Engagement",
    "relationship": "Relationship",
}


@dataclass(frozen=True)
class TriggerBody:
    """``definition`` holds what a trigger shares with a definition: when it holds, for whom, and the play."""

    definition: DefinitionBody
    kind: str
    shared_with: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.definition.key

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def owner(self) -> str:
        return self.definition.owner

    @property
    def play(self) -> str:
        return self.definition.play


def trigger_body(key: str, body: Body, catalogue: Catalogue) -> TriggerBody:
    return TriggerBody(
        definition=definition_body(key, body, catalogue),
        kind=str(body.get("kind") or ""),
        shared_with=tuple(body.get("shared_with") or ()),
    )
