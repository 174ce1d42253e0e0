from __future__ import annotations

from django import forms


class PauseForm(forms.Form):
    pause = forms.BooleanField(required=False)
    connection = forms.SlugField(required=False, max_length=60)


class ActivitySwitchForm(forms.Form):
    what = forms.ChoiceField(choices=[("creates_tasks", ""), ("logs_touches", "")])
    is_on = forms.BooleanField(required=False)
