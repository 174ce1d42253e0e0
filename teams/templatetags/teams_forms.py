from __future__ import annotations

from typing import Any

from django import forms, template
from django.conf import settings
from django.forms.boundfield import BoundField
from django.urls import reverse
from django.utils.http import urlencode

from teams.demo import PASSWORD, demo_sign_ins

register = template.Library()

GROUPS = (forms.CheckboxSelectMultiple, forms.RadioSelect)
CONTROLS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


@register.inclusion_tag("teams/field.html")
def form_field(field: BoundField) -> dict[str, Any]:
    """One field with label, help and errors tied to it: {% form_field form.name %}."""
    widget = field.field.widget
    described = [f"{field.auto_id}-{part}" for part, there in _parts(field) if there]
    attrs: dict[str, str | bool] = {}
    if not isinstance(widget, GROUPS):
        attrs["class"] = next(name for kind, name in CONTROLS if isinstance(widget, kind))
        if field.errors:
            attrs["class"] = f"{attrs['class']} is-invalid"
    if described:
        attrs["aria-describedby"] = " ".join(described)
    # A placeholder that repeats the label helps nobody; allauth puts one on every field.
    widget.attrs.pop("placeholder", None)
    return {
        "field": field,
        "control": field.as_widget(attrs=attrs),
        "is_check": isinstance(widget, forms.CheckboxInput),
        "is_group": isinstance(widget, GROUPS),
    }


def _parts(field: BoundField) -> list[tuple[str, bool]]:
    return [("help", bool(field.help_text)), ("errors", bool(field.errors))]


@register.inclusion_tag("teams/demo_sign_ins.html", takes_context=True)
def demo_buttons(context: template.Context) -> dict[str, Any]:
    """One button for each demo sign-in; nothing outside a demo."""
    return {"sign_ins": demo_sign_ins(), "password": PASSWORD, "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("teams/single_sign_on.html", takes_context=True)
def single_sign_on_button(context: template.Context) -> dict[str, Any]:
    """Off to the identity provider, and from there to where the visitor wanted; nothing without a provider."""
    if settings.SINGLE_SIGN_ON is None:
        return {}
    wanted = context.get("redirect_field_value")
    query = "?" + urlencode({"next": wanted}) if wanted else ""
    return {
        "label": settings.SINGLE_SIGN_ON.label,
        "href": reverse("oidc_login") + query,
        "has_passwords": settings.PASSWORDS,
    }


@register.simple_tag
def takes_passwords() -> bool:
    """Whether anybody signs in with a password of ours."""
    return bool(settings.PASSWORDS)


@register.simple_tag
def has_single_sign_on() -> bool:
    """Whether people sign in with an identity provider."""
    return settings.SINGLE_SIGN_ON is not None
