"""What the controls of an SLA rule offer: the teams, stages, handoffs, fields, triggers and signals there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from definitions.bodies import PIPELINES, STAGES
from definitions.catalogue import catalogue_from_db
from definitions.models import Signal, Version
from definitions.triggers.bodies import TRIGGERS
from definitions.versions import Model, load_model
from slas.editor.step_rows import ROLE
from slas.editor.targets import BEFORE, BUSINESS_DAYS
from slas.editor.wording import HANDOFF_STARTS, NOUNS, Names
from slas.rules import ANY, HOURS, ON
from slas.steps import BY, TO
from slas.targets import EVENTS
from slas.time_bar import TeamLook, look_of
from teams.models import Role, Team

Option = tuple[str, str]
Groups = Sequence[tuple[str, Sequence[Option]]]
"""(heading, options); "" stands without a heading."""

MOST_SIGNALS = 200

UNITS: Sequence[Option] = (
    ("business_m", "business minutes"), ("business_h", "business hours"), (BUSINESS_DAYS, "business days"),
    ("elapsed_m", "minutes"), ("elapsed_h", "hours"), ("elapsed_d", "days"),
    *((f"{BEFORE}{event}", f"before the {event}") for event in EVENTS),
)  # fmt: skip
RARE_UNITS: Sequence[Option] = (("business_s", "business seconds"), ("elapsed_s", "seconds"))
STEP_UNITS: Sequence[Option] = (("m", "minutes"), ("h", "hours"), ("d", "days"))
WHEN: Sequence[Option] = (
    ("at", "when so much of the time is used"), ("before", "before it is due"), ("breached", "when it is late"),
    ("after", "after it was due"),
)  # fmt: skip
TO_WORDS = {
    "owner": "Whoever has it", "manager": "Their manager", "team_manager": "The team’s manager",
    "team": "The whole team", "sender_team_manager": "The sending team’s manager",
}  # fmt: skip
BY_WORDS = {"inbox": "Inbox", "email": "E-mail", "slack": "Slack message", "crm_task": "Task in the CRM"}
HOURS_WORDS = {
    "owner": "the owner’s working hours", "team": "the team’s working hours",
    "region": "the working hours of the buyer’s region",
}  # fmt: skip
OPEN_WORDS = {
    "keep": "keep the time and the steps they started with",
    "move": "get the new time and steps, too, from the day it holds",
}
EVIDENCE_WORDS = {
    "person": "The lead or contact",
    "deal": "The deal",
    "activity": "Calls, e-mails and meetings",
}


@dataclass(frozen=True)
class Offers:
    """``groups``: control -> what may be chosen there. ``names``: for sentences. ``model``: all versions there were.
    ``looks``: team key -> its name and colour."""

    groups: Mapping[str, Groups]
    names: Names
    model: Model
    looks: Mapping[str, TeamLook]


def load_offers(now: datetime) -> Offers:
    """A constant number of queries."""
    model = load_model()
    catalogue = catalogue_from_db(model)
    rows = list(Team.objects.all())
    teams = {team.key: team.name for team in rows}

    def named(section: str, *keys: str) -> dict[str, str]:
        held = model.in_force(section, now)
        return {
            key: str(next((v.body[k] for k in keys if v.body.get(k)), key)) for key, v in sorted(held.items())
        }

    held = model.in_force(STAGES, now)
    ordered = sorted(held, key=lambda key: (held[key].body.get("order") or 0, key))
    stages = named(STAGES, "short", "name")
    signals = list(Signal.objects.order_by("name").values_list("name", flat=True).distinct()[:MOST_SIGNALS])
    names = Names(
        teams=teams,
        stages=stages,
        subjects={
            key: str((v.body.get("claimed_when") or {}).get("object") or "person") for key, v in held.items()
        },
        handoffs=named("handoffs", "name"),
        triggers=named(TRIGGERS, "name"),
        signals={name: name.replace("_", " ") for name in signals},
        fields={
            (on, field.name): field.label for on in ON for field in catalogue.objects.get(on, {}).values()
        },
    )
    long_names = named(STAGES, "name", "short")
    passed = _pipeline_stages(model.in_force(PIPELINES, now))
    names = replace(
        names,
        stages={**names.stages, **{key: label for key, (label, _) in passed.items()}},
        subjects={**names.subjects, **{key: object_name for key, (_, object_name) in passed.items()}},
    )
    stage_options = [
        (key, names.stages[key] if names.stages[key] == long_names[key] else f"{names.stages[key]} ({long_names[key]})")
        for key in ordered
    ] + [(key, label) for key, (label, _) in passed.items()]  # fmt: skip
    return Offers(
        {
            **_choices(teams),
            "start": _starts(names, stage_options),
            "stop": _stops(names, stage_options),
        },
        names,
        model,
        {team.key: look_of(team.name, team.purpose) for team in rows},
    )


def _pipeline_stages(held: Mapping[str, Version]) -> dict[str, tuple[str, str]]:
    """``pipeline/stage`` -> (its name, the object that passes through it)."""
    return {
        f"{key}/{stage['key']}": (
            str(stage.get("name") or stage["key"]),
            str(version.body.get("object") or "deal"),
        )
        for key, version in sorted(held.items())
        for stage in version.body.get("stages") or ()
    }


def _choices(teams: Mapping[str, str]) -> dict[str, Groups]:
    listed = list(teams.items())
    return {
        "from_team": [("", listed)],
        "to_team": [("", listed)],
        "agreed_by": [("", listed)],
        "stop_team": [("", [*listed, (ANY, "whichever team")])],
        "acts": [("", [("receiver", "the receiving team"), ("sender", "the sending team")])],
        "open_clocks": [("", list(OPEN_WORDS.items()))],
        "hours": [("", [(name, HOURS_WORDS[name]) for name in HOURS])],
        "evidence": [("", list(EVIDENCE_WORDS.items()))],
        "unit": [("", UNITS)],
        "step_unit": [("", STEP_UNITS)],
        "step_when": [("", WHEN)],
        "to": [("", [*((name, TO_WORDS[name]) for name in TO)]),
               ("", [(f"{ROLE}{role.value}", f"Every {role.label}") for role in Role])],
        "by": [("", [(name, BY_WORDS[name]) for name in BY])],
        "reassign": [("", listed)],
    }  # fmt: skip


def _starts(names: Names, stages: Sequence[Option]) -> Groups:
    handoffs = [
        (f"{kind}:{key}", f"“{name}” {words}")
        for key, name in names.handoffs.items()
        for kind, words in HANDOFF_STARTS.items()
    ]
    return _filled(
        ("A stage is entered", [
            (f"stage_entered:{key}", f"a {NOUNS.get(names.subjects[key], 'record')} becomes {label}")
            for key, label in stages
        ]),
        ("Something happens to a handoff", handoffs),
        ("A trigger fires", _with_any("trigger_fired", names.triggers, "fires", "any trigger fires")),
        *(
            (f"A field of a {NOUNS[on]} is set", [
                (f"field_set:{on}:{name}", f"{label} of a {NOUNS[on]} is set")
                for (of, name), label in sorted(names.fields.items(), key=lambda item: item[1].lower()) if of == on
            ])
            for on in ON
        ),
        *(
            (f"The product tells it of a {NOUNS[on]}", [
                (f"signal:{on}:{name}", f"the product tells “{words}” of a {NOUNS[on]}")
                for name, words in names.signals.items()
            ])
            for on in ON
        ),
    )  # fmt: skip


def _stops(names: Names, stages: Sequence[Option]) -> Groups:
    handoffs = list(names.handoffs.items())
    fields = {name: label for (_, name), label in names.fields.items()}
    return _filled(
        ("A person of the team", [
            ("touch_by_team", "touch it"), ("owner_in_team", "own it"), ("meeting_booked", "have a meeting booked"),
            ("meeting_held", "hold a meeting"),
        ]),
        ("A handoff", [
            option
            for key, name in handoffs
            for option in (
                (f"handoff_sent:{key}", f"send “{name}”"), (f"handoff_answered:{key}", f"answer “{name}”"),
                (f"handoff_accepted:{key}", f"accept “{name}”"),
                (f"next_step_confirmed:{key}", f"confirm the next step of “{name}”"),
            )
        ]),
        ("A stage", [(f"stage_entered:{key}", f"bring it to {label}") for key, label in stages]),
        ("A trigger", _with_any("trigger_handled", {k: f"handle “{n}”" for k, n in names.triggers.items()}, "",
                                "handle whichever trigger fired")),
        ("A field", [
            (f"field_set:{name}", f"set {label}")
            for name, label in sorted(fields.items(), key=lambda item: item[1].lower())
        ]),
    )  # fmt: skip


def _with_any(kind: str, named: Mapping[str, str], words: str, of_any: str) -> list[Option]:
    if not named:
        return []
    found = [(f"{kind}:{key}", f"“{name}” {words}" if words else name) for key, name in named.items()]
    return [*found, (f"{kind}:{ANY}", of_any)]


def _filled(*groups: tuple[str, list[Option]]) -> Groups:
    return [group for group in groups if group[1]]
