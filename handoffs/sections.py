"""What handoffs adds to the model files: the templates."""

from __future__ import annotations

from definitions.files.reading import Reader, unknown, unknown_keys
from definitions.sections import Body, Context, Fault, Section
from handoffs.templates import MEETING, MEETING_SUBJECT, TemplateError, parse_template

FIELD = "field of a person"


def template_faults(key: str, body: Body, context: Context) -> list[Fault]:
    strange = _strange(body, context)
    try:
        template = parse_template(key, body)
    except TemplateError as error:
        return [*error.faults, *strange]
    faults = []
    if template.opens_on_stage not in (stages := context.keys("stages")):
        faults.append(
            Fault(("opens_on", "stage"), "unknown", unknown("stage", template.opens_on_stage, stages))
        )
    faults += [
        Fault((side,), "unknown", unknown("team", body[side], context.teams))
        for side in ("from_team", "to_team")
        if body[side] not in context.teams
    ]
    return faults + strange


def _strange(body: Body, context: Context) -> list[Fault]:
    """What ``parse_template`` lets pass: keys that nothing reads, and names of fields and teams that don't exist."""
    fields = context.catalogue.objects.get("person", {})
    read = Reader(body)
    for name in ("name", "sentence", "from_team", "to_team", "opens_on"):
        read.get(name)
    read.some_of("agreed_by", context.teams, "team", required=False)
    read.some_of("already_known", fields, FIELD, required=False)
    read.one_of("buyer_words", fields, FIELD, required=False)
    read.faults.extend(unknown_keys(body.get("opens_on"), ("stage",), "opens_on"))
    if (receiver := read.inside("receiver", required=False)) is not None:
        receiver.one_of("field", fields, FIELD)
        receiver.finish()
    for _, row in read.each("form", required=False):
        for name in ("key", "label"):
            row.get(name)
        kind = row.get("kind")
        row.flag("required")
        row.one_of("known_from", {*fields, MEETING, MEETING_SUBJECT}, FIELD, required=False)
        row.some_of("choices", None, "choice", required=kind == "choice")
        row.finish()
    for _, row in read.each("send_back_reasons", required=False):
        for name in ("key", "label"):
            row.get(name)
        row.flag("needs_text")
        row.finish()
    return read.finish()


SECTIONS = (
    Section(
        name="handoffs",
        label="Handoffs",
        parse=template_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body, _: str(body["sentence"]),
    ),
)
