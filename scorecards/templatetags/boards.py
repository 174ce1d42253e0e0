"""The tabs over every page about clocks; also over the list of slas, which knows nothing of boards."""

from __future__ import annotations

from typing import Any

from django import template

from scorecards.boards.frame import tabs

register = template.Library()


@register.inclusion_tag("scorecards/boards/_tabs.html")
def clock_tabs(here: str) -> dict[str, Any]:
    """`here` is the page shown, by its name in scorecards/boards/frame.py."""
    return {"tabs": tabs(here)}
