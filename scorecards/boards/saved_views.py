"""Names for sets of filters: a person's own, or their team's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from scorecards.boards.asked import read_asked
from scorecards.models import DefaultView, SavedView
from teams.models import Membership, Person, Team

SHOW_ALL = "all"
"""A key of the query that means: not the default view, all of it."""


class ViewError(ValueError):
    """What is wrong with what was asked, in words."""


@dataclass(frozen=True)
class Choice:
    """A saved view as its menu lists it."""

    view: SavedView
    href: str
    is_here: bool
    is_default: bool
    is_own: bool


def visible_views(viewer: Person, page: str) -> QuerySet[SavedView]:
    """The viewer's own and those shared with their team."""
    stay = Membership.objects.open().filter(person=viewer).values("team")
    mine = Q(owner=viewer) | Q(team__in=stay)
    return SavedView.objects.filter(mine, page=page).select_related("owner", "team")


def choices(viewer: Person, page: str, query: Mapping[str, str]) -> list[Choice]:
    """One query."""
    default = Exists(DefaultView.objects.filter(person=viewer, view=OuterRef("pk")))
    here = urlencode(query)
    return [
        Choice(
            view,
            href=f"?{view.query or SHOW_ALL + '=1'}",
            is_here=view.query == here,
            is_default=view.opens_first,
            is_own=view.owner_id == viewer.pk,
        )
        for view in visible_views(viewer, page).annotate(opens_first=default)
    ]


def default_query(viewer: Person, page: str) -> str:
    """What the page opens with; '' for all. Of a view that is no longer shared with the viewer nothing is left."""
    stay = Membership.objects.open().filter(person=viewer).values("team")
    found = DefaultView.objects.filter(
        Q(view__owner=viewer) | Q(view__team__in=stay), person=viewer, page=page
    )
    return found.values_list("view__query", flat=True).first() or ""


@transaction.atomic
def save_view(
    viewer: Person,
    page: str,
    name: str,
    query: Mapping[str, str],
    *,
    is_shared: bool,
    is_default: bool,
    now: datetime,
) -> SavedView:
    """A view of the same name is replaced. Raises ViewError."""
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise ViewError("Give the view a name.")
    if len(name) > 60:
        raise ViewError("The name is longer than 60 letters.")
    team = (
        Team.objects.filter(memberships__person=viewer, memberships__ended_at=None).first()
        if is_shared
        else None
    )
    if is_shared and team is None:
        raise ViewError("You are in no team to share it with.")
    text = urlencode(read_asked(query, now.date()).query)
    if len(text) > 1000:
        raise ViewError("These are too many filters for one view.")
    view, _ = SavedView.objects.update_or_create(
        owner=viewer, page=page, name=name, defaults={"query": text, "team": team, "saved_at": now}
    )
    if is_default:
        set_default(viewer, view)
    return view


def set_default(viewer: Person, view: SavedView) -> None:
    DefaultView.objects.update_or_create(person=viewer, page=view.page, defaults={"view": view})


def forget_default(viewer: Person, page: str) -> None:
    DefaultView.objects.filter(person=viewer, page=page).delete()
