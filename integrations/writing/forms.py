from __future__ import annotations

from typing import Any

from django import forms

from integrations.writing.dead import REASON_LENGTH
from integrations.writing.models import WriteLimits
from records.own_fields import OWN_FIELDS

MOST_A_DAY = 1_000_000
SEARCH_LENGTH = 200
OUT_FIELDS = [(own.name, own.label) for own in OWN_FIELDS if own.direction == "out"]


class CapForm(forms.Form):
    """The daily cap of one connection; empty is the installation's."""

    records_a_day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_A_DAY,
        error_messages={
            "invalid": "Write a whole number of records, or leave it empty.",
            "min_value": "At least 1 record a day. To write nothing, pause the writing.",
            "max_value": f"At most {MOST_A_DAY:,} records a day.",
        },
    )


class PilotForm(forms.Form):
    """Who is written; the tree of conditions is read by its own reader."""

    pilot = forms.ChoiceField(
        choices=WriteLimits.Pilot.choices,
        error_messages={
            "required": "Choose who is written.",
            "invalid_choice": "Choose who is written.",
        },
    )
    object = forms.CharField(required=False, max_length=40)
    records = forms.CharField(required=False, max_length=1_000_000)


class SelectionForm(forms.Form):
    """Rows that were ticked, or all that the page lists with what it was narrowed to."""

    everything = forms.BooleanField(required=False)
    field = forms.ChoiceField(choices=[("", ""), *OUT_FIELDS], required=False)
    reason = forms.CharField(required=False, max_length=REASON_LENGTH)
    q = forms.CharField(required=False, max_length=SEARCH_LENGTH)
    only = forms.Field(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self._ticked = data.getlist("only")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        ticked = [int(text) for text in self._ticked if text.isdigit() and len(text) < 18]
        if not found.get("everything") and not ticked:
            raise forms.ValidationError("Tick at least one line, or choose all.")
        found["only"] = None if found.get("everything") else ticked
        return found


class HoldForm(forms.Form):
    """``field`` empty: everything of the record."""

    record = forms.UUIDField()
    field = forms.ChoiceField(choices=[("", ""), *OUT_FIELDS], required=False)
    lift = forms.BooleanField(required=False)
    reason = forms.CharField(required=False, max_length=200)


class UninstallForm(forms.Form):
    typed_name = forms.CharField(required=False, max_length=100)
    leaves_ours = forms.BooleanField(required=False)
