"""Forms of the guided connect. What was typed as a secret is never written back into a page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.text import slugify

from integrations.connecting import guide
from integrations.connecting.guide import Way
from integrations.http import is_allowed
from records.models import Connection

RESERVED = frozenset({"new", "oauth", "gtmops"})
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}")


class HiddenTextarea(forms.Textarea):
    """As a password field, with lines: what was typed is not given back."""

    def format_value(self, value: Any) -> str:
        return ""


class NewConnectionForm(forms.Form):
    kind = forms.ChoiceField(
        choices=[(kind, label) for kind, label, _ in guide.KINDS], widget=forms.RadioSelect
    )
    label = forms.CharField(
        label="What people call it",
        max_length=100,
        help_text="Shown wherever pages name where something comes from, such as “Salesforce” or “Salesforce sandbox”.",
    )
    base_url = forms.URLField(
        label="Another address",
        required=False,
        assume_scheme="https",
        max_length=300,
        help_text="Only for a proxy or a demo CRM; empty for the CRM's own address.",
    )

    def clean_label(self) -> str:
        label = str(self.cleaned_data["label"]).strip()
        if Connection.objects.filter(label__iexact=label).exists():
            raise forms.ValidationError("There is a connection of that name already.")
        if not slugify(label):
            raise forms.ValidationError("Use at least one letter or number.")
        return label

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        address, kind = str(found.get("base_url") or ""), str(found.get("kind") or "")
        if address and kind and not is_allowed(urlsplit(address).hostname or "", kind):
            self.add_error(
                "base_url",
                "This installation may not send CRM data there. Its operator names further hosts in GTMOPS_CRM_HOSTS.",
            )
        return found

    def save(self) -> Connection:
        """A connection that reads nothing yet."""
        label = self.cleaned_data["label"]
        return Connection.objects.create(
            name=_free_name(label),
            label=label,
            kind=self.cleaned_data["kind"],
            base_url=self.cleaned_data["base_url"].rstrip("/"),
            state=Connection.State.PAUSED,
            setup={},
        )


def initial_address() -> str:
    """In a demo the demo's own CRMs are the ones at hand."""
    return settings.STANDINS_URL if settings.DEMO else ""


def _free_name(label: str) -> str:
    stem = slugify(label)[:50]
    taken = set(Connection.objects.filter(name__startswith=stem).values_list("name", flat=True)) | RESERVED
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


class SecretForm(forms.Form):
    """The fields of one way to sign in."""

    def __init__(self, way: Way, data: Any = None) -> None:
        super().__init__(data)
        for field in way.fields:
            self.fields[field.name] = forms.CharField(
                label=field.label,
                help_text=field.help,
                required=field.is_required,
                initial=field.initial,
                max_length=10_000,
                widget=_widget(field),
            )

    def clean_domain(self) -> str:
        """``acme.my`` of whatever was pasted."""
        typed = str(self.cleaned_data["domain"]).strip().lower()
        host = urlsplit(typed if "//" in typed else f"//{typed}").hostname or ""
        domain = host.removesuffix(".salesforce.com").removesuffix(".lightning.force.com")
        if not _DOMAIN.fullmatch(domain):
            raise forms.ValidationError("That is no Salesforce domain; it looks like acme.my.")
        return domain

    def clean_private_key(self) -> str:
        key = str(self.cleaned_data["private_key"]).strip()
        if "PRIVATE KEY" not in key:
            raise forms.ValidationError(
                "That is no private key in PEM form: it begins with “-----BEGIN PRIVATE KEY”."
            )
        return key + "\n"

    def secret(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if value}


def _widget(field: guide.SecretField) -> forms.Widget:
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    if field.is_long:
        return HiddenTextarea(attrs={**attrs, "rows": 6})
    if field.is_hidden:
        return forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.TextInput(attrs=attrs)


class GoLiveForm(forms.Form):
    when = forms.ChoiceField(
        label="From when may it alert and write?",
        choices=[
            ("now", "From now on. What happened before is measured, never alerted, escalated or written."),
            ("not_yet", "Not yet: read and measure only. Alerts begin when somebody goes live later."),
        ],
        widget=forms.RadioSelect,
        initial="not_yet",
    )


class PauseForm(forms.Form):
    pause = forms.BooleanField(required=False)


class DisconnectForm(forms.Form):
    typed = forms.CharField(label="Type the name to confirm", max_length=100)

    def __init__(self, connection: Connection, data: Any = None) -> None:
        super().__init__(data)
        self.connection = connection
        self.fields["typed"].widget.attrs["autocomplete"] = "off"

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != self.connection.label:
            raise forms.ValidationError(f"That is not its name. Type “{self.connection.label}”.")
        return typed


class RenameForm(forms.Form):
    label = forms.CharField(label="What people call it", max_length=100)
