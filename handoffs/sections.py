"""What handoffs adds to the model files: the templates."""

from __future__ import annotations

from definitions.sections import Body, Context, Fault, Section
from handoffs.templates import TemplateError, parse_template


def template_faults(key: str, body: Body, context: Context) -> list[Fault]:
    try:
        template = parse_template(key, body)
    except TemplateError as error:
        return error.faults
    faults = []
    if template.opens_on_stage not in context.keys("stages"):
        known = ", ".join(context.keys("stages")) or "none yet"
        faults.append(Fault(("opens_on", "stage"), "unknown", f"There is no such stage. Known: {known}."))
    faults += [
        Fault((side,), "unknown", f"There is no team “{body[side]}”.")
        for side in ("from_team", "to_team")
        if body[side] not in context.teams
    ]
    return faults


SECTIONS = (
    Section(
        name="handoffs",
        label="Handoffs",
        parse=template_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body: str(body["sentence"]),
    ),
)
