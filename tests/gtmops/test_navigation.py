from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from effects.models import InboxMessage
from gtmops import context
from gtmops.context import FOR_ADMINS, FOR_ALL, Shell
from teams.models import Membership, Person, Role, Team


@pytest.fixture(autouse=True)
def every_route_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {
        "handoffs:my_day": "/",
        "handoffs:list": "/handoffs/",
        "scorecards:board": "/clocks/board/",
        "slas:clocks": "/clocks/",
        "definitions:triggers": "/triggers/",
        "definitions:signals": "/signals/",
        "scorecards:map": "/map/",
        "scorecards:monday": "/scorecard/",
        "records:list": "/records/",
        "definitions:model": "/model/",
        "integrations:connections": "/connections/",
        "integrations:imports": "/import/",
        "integrations:writing": "/crm/",
        "integrations:rules": "/crm/rules/",
        "integrations:runs": "/crm/runs/",
    }
    monkeypatch.setattr(context, "address_of", addresses.get)


def shell_at(path: str, person: Person | AnonymousUser) -> Shell:
    request = RequestFactory().get(path)
    request.user = person
    return Shell(request)


def rep() -> Person:
    return Person(name="Dana Okwell", email="dana@fernhill.example", role=Role.REP)


def admin() -> Person:
    return Person(name="Ines Kalderon", email="ines@fernhill.example", role=Role.REVOPS_ADMIN)


def test_a_rep_sees_the_work_and_an_admin_the_model_too() -> None:
    assert [item.label for item in shell_at("/", rep()).nav] == [entry.label for entry in FOR_ALL]
    assert shell_at("/", rep()).admin_nav == []
    assert [item.label for item in shell_at("/", admin()).admin_nav] == [entry.label for entry in FOR_ADMINS]


def test_a_visitor_sees_no_navigation() -> None:
    shell = shell_at("/accounts/login/", AnonymousUser())
    assert (shell.nav, shell.admin_nav, shell.more_nav, shell.inbox_count) == ([], [], [], 0)


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/", ["My day"]),
        ("/handoffs/", ["Handoffs"]),
        ("/handoffs/7/", ["Handoffs"]),
        ("/clocks/board/", ["Clocks"]),
        ("/clocks/", ["Clocks"]),
        ("/clocks/late/", ["Clocks"]),
        ("/crm/", ["What we write"]),
        ("/crm/runs/", ["Runs"]),
        ("/import/", ["Import"]),
        ("/profile/", []),
    ],
)
def test_the_deepest_entry_above_a_page_is_marked(path: str, here: list[str]) -> None:
    shell = shell_at(path, admin())
    assert [item.label for item in shell.nav + shell.admin_nav if item.is_here] == here


def test_an_entry_without_a_route_is_left_out_and_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "address_of", {"handoffs:my_day": "/"}.get)
    assert [item.label for item in shell_at("/", rep()).nav] == ["My day"]
    warnings = context.check_navigation(None)
    assert "scorecards:map" in " ".join(warning.msg for warning in warnings)
    assert {warning.id for warning in warnings} == {"gtmops.W001"}


@pytest.mark.django_db
def test_the_frame_says_where_the_viewer_stands_and_how_much_is_unread() -> None:
    dana = Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")
    assert shell_at("/", dana).place == "Rep"
    team = Team.objects.create(key="sdr", name="SDR Austin")
    Membership.objects.create(person=dana, team=team, started_at=datetime(2026, 1, 1, tzinfo=UTC))
    InboxMessage.objects.create(key="1", person=dana, title="Late")
    InboxMessage.objects.create(key="2", person=dana, title="Read", read_at=datetime(2026, 1, 2, tzinfo=UTC))
    shell = shell_at("/", dana)
    assert (shell.place, shell.inbox_count) == ("SDR Austin", 1)
