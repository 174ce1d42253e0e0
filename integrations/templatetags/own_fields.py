"""Values of our own fields, for people."""

from __future__ import annotations

from typing import Any

from django import template

from records.canonical import Unreadable, instant
from records.own_fields import OWN_FIELD_BY_NAME

register = template.Library()


@register.filter
def own_label(field: str) -> str:
    """What people call one field of ours."""
    own = OWN_FIELD_BY_NAME.get(field)
    return own.label if own else field


@register.filter
def own_value(value: Any, field: str) -> Any:
    """What stands, or is to stand, in one field of ours."""
    if value is None:
        return "empty"
    own = OWN_FIELD_BY_NAME.get(field)
    if own is not None and own.type == "datetime":
        try:
            return f"{instant(value):%d %b %Y, %H:%M} UTC"
        except Unreadable:
            return value
    return value
