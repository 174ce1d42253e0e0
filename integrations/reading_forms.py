from __future__ import annotations

from django import forms

SCHEDULES = (
    (0, "As usual"),
    (60, "Every minute"),
    (300, "Every 5 minutes"),
    (900, "Every 15 minutes"),
    (3600, "Every hour"),
    (21_600, "Every 6 hours"),
    (86_400, "Once a day"),
)


def usual_words(seconds: float) -> str:
    """How often an object is read that has no schedule of its own, in words."""
    named = {key: text.lower() for key, text in SCHEDULES if key}
    return named.get(round(seconds), f"every {seconds:,g} seconds")


class ObjectForm(forms.Form):
    """``object`` empty: every object of the connection."""

    object = forms.CharField(max_length=80, required=False)


class PauseReadingForm(ObjectForm):
    pause = forms.BooleanField(required=False)


class ReadNowForm(ObjectForm):
    what = forms.ChoiceField(choices=[("changes", ""), ("everything", ""), ("history", "")], required=False)


class ScheduleForm(forms.Form):
    object = forms.CharField(max_length=80)
    every = forms.TypedChoiceField(choices=[(str(seconds), text) for seconds, text in SCHEDULES], coerce=int)
