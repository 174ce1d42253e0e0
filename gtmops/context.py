"""What every page's frame shows: navigation by role, inbox count, viewer, bands; `shell` in templates/base.html."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from django.db.models import Count, Subquery
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from effects.models import InboxMessage
from teams.access import allowed_principals
from teams.models import Membership, Person


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation, by the name of its route."""

    label: str
    route: str
    icon: str
    in_bottom_bar: bool = False
    above: str = ""
    """A route above the page's own: being anywhere below it marks the entry."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry for one request; `is_here` marks the page being shown or one below it."""

    label: str
    href: str
    icon: str
    in_bottom_bar: bool
    is_here: bool = False


FOR_ALL = (
    Entry("My day", "handoffs:my_day", "sun", in_bottom_bar=True),
    Entry("Handoffs", "handoffs:list", "arrow-left-right", in_bottom_bar=True),
    Entry("Clocks", "scorecards:board", "stopwatch", above="slas:clocks"),
    Entry("Expansion", "definitions:triggers", "graph-up-arrow"),
    Entry("Map", "scorecards:map", "diagram-3", in_bottom_bar=True),
    Entry("Scorecard", "scorecards:monday", "bar-chart", in_bottom_bar=True),
    Entry("Records", "records:list", "list-ul"),
    Entry("Model", "definitions:model", "bezier2"),
)
FOR_ADMINS = (
    Entry("Signals", "definitions:signals", "broadcast"),
    Entry("Connections", "integrations:connections", "plug"),
    Entry("Import", "integrations:imports", "file-earmark-arrow-up"),
    Entry("What we write", "integrations:writing", "pencil-square"),
    Entry("What it enforces", "integrations:rules", "shield-check"),
    Entry("Runs", "integrations:runs", "arrow-repeat"),
)
BESIDE = (
    Entry("Inbox", "effects:inbox", "inbox"),
    Entry("People", "teams:people", "people"),
    Entry("Profile", "teams:profile", "person"),
    Entry("Search", "records:search", "search"),
)


@cache
def address_of(route: str) -> str | None:
    """The path of a route without arguments, or None where no urls.py defines it."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return None


@register()
def check_navigation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A page of the navigation without a route would silently not be there."""
    return [
        CheckWarning(
            f"The navigation names “{entry.label}” as {entry.route}, which no urls.py defines; it is left out.",
            hint="Define the route, or take the entry out of gtmops/context.py.",
            id="gtmops.W001",
        )
        for entry in (*FOR_ALL, *FOR_ADMINS, *BESIDE)
        if address_of(entry.route) is None
    ]


def items(entries: tuple[Entry, ...], path: str, role: str) -> list[Item]:
    """The entries that have an address and that `role` may open, the deepest one that leads to `path` marked."""
    found = [
        (Item(entry.label, href, entry.icon, entry.in_bottom_bar), address_of(entry.above) or href)
        for entry in entries
        if (href := address_of(entry.route)) is not None and role in allowed_principals(entry.route, "GET")
    ]
    above = [root for _, root in found if path == root or (root != "/" and path.startswith(root))]
    here = max(above, key=len, default=None)
    return [replace(item, is_here=root == here) for item, root in found]


class Shell:
    """The frame of one request. Costs a query only where it is shown."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        user = getattr(request, "user", None)
        self.viewer: Person | None = user if isinstance(user, Person) else None
        self.is_demo: bool = settings.DEMO

    @cached_property
    def nav(self) -> list[Item]:
        return items(FOR_ALL, self._request.path, self.viewer.role) if self.viewer else []

    @cached_property
    def admin_nav(self) -> list[Item]:
        return items(FOR_ADMINS, self._request.path, self.viewer.role) if self.viewer else []

    @property
    def is_in_admin(self) -> bool:
        return any(item.is_here for item in self.admin_nav)

    @cached_property
    def bottom_nav(self) -> list[Item]:
        return [item for item in self.nav if item.in_bottom_bar]

    @cached_property
    def more_nav(self) -> list[Item]:
        """What a phone shows behind “More”."""
        beside = items(BESIDE[:3], self._request.path, self.viewer.role) if self.viewer else []
        return [item for item in self.nav if not item.in_bottom_bar] + self.admin_nav + beside

    @cached_property
    def all_items(self) -> list[Item]:
        return self.bottom_nav + self.more_nav

    @property
    def inbox_count(self) -> int:
        return self._told[0]

    @property
    def place(self) -> str:
        """ "SDR Austin" for a member of a team, else the role: where the viewer stands, beside the name."""
        return self._told[1]

    @cached_property
    def _told(self) -> tuple[int, str]:
        """How many messages are unread, and the place; one query."""
        if self.viewer is None:
            return 0, ""
        unread = InboxMessage.objects.filter(person=self.viewer, read_at=None).order_by()
        count = Subquery(unread.values("person").annotate(n=Count("pk")).values("n"))
        team = Subquery(Membership.objects.filter(person=self.viewer, ended_at=None).values("team__name")[:1])
        found = Person.objects.filter(pk=self.viewer.pk).order_by().values_list(count, team).first()
        number, place = found or (None, None)
        return number or 0, place or self.viewer.get_role_display()

    @property
    def home_href(self) -> str:
        return address_of("handoffs:my_day") or "/"

    @property
    def inbox_href(self) -> str | None:
        return address_of("effects:inbox")

    @property
    def people_href(self) -> str | None:
        return address_of("teams:people")

    @property
    def profile_href(self) -> str | None:
        return address_of("teams:profile")

    @property
    def search_href(self) -> str | None:
        return address_of("records:search")


def shell(request: HttpRequest) -> dict[str, Shell]:
    """The context processor."""
    return {"shell": Shell(request)}
