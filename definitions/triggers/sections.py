"""The section ``triggers`` of the model files."""

from __future__ import annotations

from definitions import own_sections
from definitions.bodies import DEFINITIONS
from definitions.criteria import Catalogue
from definitions.files.reading import Reader
from definitions.own_sections import read_conditions, read_exclusions
from definitions.sections import Body, Context, Fault, Section
from definitions.triggers.bodies import KINDS, TRIGGERS


def _parse(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    read.text("name", most=120)
    owner = read.one_of("owner", context.teams, "team")
    shared = read.some_of("shared_with", context.teams, "team", required=False)
    if owner and owner in shared:
        read.fault("owner_twice", "the owner has it already; name only other teams", "shared_with")
    read.some_of("agreed_by", context.teams, "team")
    object_name = read.one_of("object", context.catalogue.objects, "object")
    read.some_of("in", None, "connection", required=False)
    read.one_of("kind", KINDS, "kind of trigger")
    read.text("text")
    read.some_of("examples", None, "example", required=False)
    read.text("play", required=False)
    read_exclusions(read, context, object_name)
    read_conditions(read, "criteria", context, object_name, required=True)
    return read.finish()


def _sentence(body: Body, catalogue: Catalogue) -> str:
    said = _DEFINITION.sentence(body, catalogue)
    return said.replace(f"“{body.get('name')}” when", f"worth a conversation (“{body.get('name')}”) when", 1)


_DEFINITION = next(s for s in own_sections.SECTIONS if s.name == DEFINITIONS)

SECTIONS = (
    Section(
        TRIGGERS,
        "Expansion triggers",
        _parse,
        _DEFINITION.title,
        _sentence,
        _DEFINITION.lint,
        _DEFINITION.population,
        _DEFINITION.places,
    ),
)
