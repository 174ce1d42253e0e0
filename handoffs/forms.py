"""The list's filters, and how a page's post becomes an act."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict

from handoffs import services
from handoffs.errors import HandoffError
from handoffs.models import Handoff
from handoffs.page import from_local_input
from handoffs.querysets import HandoffQuerySet
from handoffs.templates import NEXT_STEP, NEXT_STEP_AT, template_of
from teams.models import Person, Team

MOST_DIGITS = 15

TABS = (
    ("to-send", "Mine to send"),
    ("to-answer", "To answer"),
    ("waiting", "Waiting for others"),
    ("all", "All"),
)

STATES = (
    ("", "Any state"),
    ("unanswered", "Not answered yet"),
    ("open", "To be sent"),
    ("sent", "Waiting for an answer"),
    ("seen", "Opened, no answer yet"),
    ("asked", "Question asked"),
    ("sent_back", "Sent back"),
    ("accepted", "Accepted"),
    ("completed", "Done"),
    ("cancelled", "No longer needed"),
)


class HandoffFilter(forms.Form):
    """From the query string; what can't be read is ignored."""

    tab = forms.ChoiceField(choices=TABS, required=False)
    q = forms.CharField(required=False, max_length=200)
    template = forms.SlugField(required=False)
    state = forms.ChoiceField(choices=STATES, required=False)
    team = forms.ModelChoiceField(Team.objects.all(), to_field_name="key", required=False)

    labels: ClassVar = {"template": "Handoff", "state": "State", "team": "Team"}

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return self.cleaned_data

    def apply(self, rows: HandoffQuerySet, person: Person) -> HandoffQuerySet:
        chosen = self.chosen()
        team, state = chosen.get("team"), chosen.get("state", "")
        if state == "unanswered":
            rows, state = rows.unanswered(), ""
        return TAB_ROWS[chosen.get("tab") or "all"](rows, person).chosen(
            state=state,
            template=chosen.get("template", ""),
            team=team.key if team else "",
            q=chosen.get("q", ""),
        )

    def bar(self, templates: Mapping[str, str]) -> list[dict[str, Any]]:
        """The choices, as components/filter_bar.html takes them."""
        teams = [(team.key, team.name) for team in Team.objects.all()]
        choices = {
            "template": [("", "All handoffs"), *templates.items()],
            "state": list(STATES),
            "team": [("", "All teams"), *teams],
        }
        return [
            {
                "name": name,
                "label": self.labels[name],
                "value": self.data.get(name, ""),
                "choices": choices[name],
            }
            for name in choices
        ]


TAB_ROWS: Mapping[str, Callable[[HandoffQuerySet, Person], HandoffQuerySet]] = {
    "to-send": HandoffQuerySet.to_send,
    "to-answer": HandoffQuerySet.to_answer,
    "waiting": HandoffQuerySet.waiting_for_others,
    "all": lambda rows, _: rows,
}


# --- from a post to an act -----------------------------------------------------------------------------------------


def posted_values(handoff: Handoff, post: QueryDict, viewer: Person) -> dict[str, str]:
    """The form's fields in a post; dates are the viewer's own."""
    dates = {f.key for f in template_of(handoff.template).form if f.kind == "datetime"} | {NEXT_STEP_AT}
    keys = [f.key for f in template_of(handoff.template).form] + [NEXT_STEP, NEXT_STEP_AT]
    values = {key: post.get(key, "") for key in keys if key in post}
    return {key: from_local_input(v, viewer.zone) if key in dates else v for key, v in values.items()}


def do_act(name: str, handoff: Handoff, actor: Person, post: QueryDict, now: datetime) -> str:
    """Do it and say so. Raises HandoffError, and KeyError for an act nobody knows."""
    key = post.get("key", "")
    if not key:
        raise HandoffError("The page was not whole. Reload it and try again.")
    return ACTS[name](handoff, actor, post, key, now)


def _fill(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    services.fill(handoff, actor, posted_values(handoff, post, actor), key=key, now=now)
    return "Saved. It has not been sent yet."


def _send(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    receiver = None
    if chosen := post.get("receiver", ""):
        people = Person.objects.visible_to(actor).active()
        receiver = (
            people.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) <= MOST_DIGITS else None
        )
        if receiver is None:
            raise HandoffError("Say who receives it.", {"receiver": "Choose a person."})
    values = posted_values(handoff, post, actor)
    sent = services.send(handoff, actor, values, receiver=receiver, key=key, now=now)
    return f"Sent to {sent.receiver.name if sent.receiver else 'the team'}."


def _accept(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    services.accept(handoff, actor, key=key, now=now)
    return "Accepted. Confirm the next step once the buyer has agreed to it."


def _send_back(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    services.send_back(
        handoff, actor, reason=post.get("reason", ""), text=post.get("text", ""), key=key, now=now
    )
    return "Sent back."


def _ask(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    services.ask(handoff, actor, text=post.get("text", ""), key=key, now=now)
    return "Your question is with the sender."


def _answer(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    services.answer(handoff, actor, text=post.get("text", ""), key=key, now=now)
    return "Answered. It is with the receiver again."


def _confirm(handoff: Handoff, actor: Person, post: QueryDict, key: str, now: datetime) -> str:
    values = posted_values(handoff, post, actor)
    services.confirm_next_step(handoff, actor, values, key=key, now=now)
    return "Done: the next step is confirmed with the buyer."


ACTS: Mapping[str, Callable[[Handoff, Person, QueryDict, str, datetime], str]] = {
    "fill": _fill,
    "send": _send,
    "accept": _accept,
    "send-back": _send_back,
    "ask": _ask,
    "answer": _answer,
    "confirm-next-step": _confirm,
}
