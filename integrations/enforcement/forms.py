from __future__ import annotations

from django import forms

from integrations.enforcement.services import Key


class StagesForm(forms.Form):
    """Which stages an act is about: ``stage`` as pipeline|stage|remote object, once or several times."""

    stage = forms.RegexField(r"^[\w-]+\|[\w-]+\|\w+$", required=False, max_length=250)
    even_while_warning = forms.BooleanField(required=False)

    def key(self) -> Key | None:
        text = self.cleaned_data["stage"]
        if not text:
            return None
        pipeline, stage, remote_object = text.split("|")
        return (pipeline, stage, remote_object)
