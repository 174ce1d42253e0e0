"""Addresses of pages of the other rooms."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse


def address(route: str, *args: object, **query: str) -> str:
    """A path with a query; '' where no urls.py defines the route: then what is shown is no link."""
    try:
        path = reverse(route, args=args)
    except NoReverseMatch:
        return ""
    asked = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def clock_href(clock_id: uuid.UUID) -> str:
    return address("slas:clock", clock_id)


def handoff_href(handoff_id: uuid.UUID) -> str:
    return address("handoffs:handoff", handoff_id)
