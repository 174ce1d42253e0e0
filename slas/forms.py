from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from definitions.versions import load_model
from slas.querysets import ClockQuerySet
from teams.models import Person, Team

STATES = [
    ("", "All"),
    ("late", "Late"),
    ("running", "Running"),
    ("met", "In time"),
    ("seen_late", "Seen late"),
    ("cancelled", "No longer needed"),
]
OWNERS = [("", "Everybody"), ("me", "Me"), ("reports", "My people"), ("nobody", "Nobody")]
PERIODS = [
    ("", "Any time"),
    ("1", "Last 24 hours"),
    ("7", "Last 7 days"),
    ("30", "Last 30 days"),
    ("90", "Last 90 days"),
]
SCOPES = [("", "With history"), ("live", "Since go-live")]
BAR = ("state", "rule", "team", "owner", "period", "scope")


def rule_choices() -> list[tuple[str, str]]:
    """Every rule that was ever in force, by its newest name."""
    model = load_model()
    named = [(key, str(model.history("sla_rules", key)[-1].body["name"])) for key in model.keys("sla_rules")]
    return [("", "All clocks"), *sorted(named, key=lambda pair: pair[1])]


class ClockFilter(forms.Form):
    """The list's filters, from a query string, for the page, its file and the API. What can't be read is ignored.

    ``since`` and ``until`` (ISO instants, the second excluded) bound the start; other pages link with them.
    """

    q = forms.CharField(required=False)
    state = forms.ChoiceField(label="Show", choices=STATES, required=False)
    rule = forms.ChoiceField(label="Clock", choices=rule_choices, required=False)
    team = forms.ModelChoiceField(
        Team.objects.all(), label="Team", to_field_name="key", required=False, empty_label="All teams"
    )
    owner = forms.ChoiceField(label="Who has it", choices=OWNERS, required=False)
    period = forms.ChoiceField(label="Started", choices=PERIODS, required=False)
    scope = forms.ChoiceField(label="History", choices=SCOPES, required=False)
    since = forms.CharField(required=False)
    until = forms.CharField(required=False)

    def bar(self) -> list[dict[str, Any]]:
        """The choices, as components/filter_bar.html takes them."""
        return [
            {
                "name": name,
                "label": self[name].label,
                "value": self.data.get(name, ""),
                "choices": [(str(value), text) for value, text in self.fields[name].choices],  # type: ignore[attr-defined]  # choice fields all
            }
            for name in BAR
        ]

    def narrow(self, clocks: ClockQuerySet, viewer: Person, now: datetime) -> ClockQuerySet:
        """The clocks that the filters leave."""
        self.is_valid()
        chosen = self.cleaned_data
        if state := chosen.get("state"):
            clocks = clocks.in_state(state)
        if rule := chosen.get("rule"):
            clocks = clocks.filter(rule_key=rule)
        if team := chosen.get("team"):
            clocks = clocks.filter(team=team)
        if owner := chosen.get("owner"):
            clocks = clocks.owned(owner, viewer)
        if period := chosen.get("period"):
            clocks = clocks.filter(started_at__gte=now - timedelta(days=int(period)))
        if since := _instant(chosen.get("since")):
            clocks = clocks.filter(started_at__gte=since)
        if until := _instant(chosen.get("until")):
            clocks = clocks.filter(started_at__lt=until)
        if chosen.get("scope"):
            clocks = clocks.filter(is_measured_only=False)
        if text := chosen.get("q"):
            clocks = clocks.searched(text)
        return clocks


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


class StartAnswerForm(forms.Form):
    answer = forms.ChoiceField(choices=[("yes", ""), ("no", "")])
