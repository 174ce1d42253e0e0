from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from effects.channels.inbox import deliver
from effects.models import InboxMessage
from effects.registry import Refused
from effects.views import is_ours
from teams.models import Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> Person:
    return Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")


@pytest.fixture
def browser(dana: Person) -> Client:
    client = Client()
    client.force_login(dana)
    return client


GROUP = {"group": "first_touch", "group_name": "First human touch", "severity": "late"}


def tell(person: Person, key: str, **more: str) -> InboxMessage:
    deliver(key, {"person": person.pk, "title": f"About {key}", **more})
    return InboxMessage.objects.get(key=key)


def test_a_repeat_is_one_message(dana: Person) -> None:
    tell(dana, "a")
    tell(dana, "a")
    assert InboxMessage.objects.count() == 1


def test_nobody_is_told_who_is_gone() -> None:
    with pytest.raises(Refused):
        deliver("a", {"person": 4711, "title": "About a"})


def test_unread_messages_come_first(dana: Person, browser: Client) -> None:
    for key in ("oldest", "middle", "newest"):
        tell(dana, key)
    browser.post(reverse("effects:read", args=[InboxMessage.objects.get(key="newest").pk]))
    page = browser.get(reverse("effects:inbox"))
    assert [b.first.key for b in page.context["bundles"]] == ["middle", "oldest", "newest"]
    assert "2 new for you" in page.content.decode()


def test_opening_marks_as_read_and_leads_on(dana: Person, browser: Client) -> None:
    message = tell(dana, "a", href="/handoffs/?tab=all")
    answer = browser.get(reverse("effects:open", args=[message.pk]))
    message.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, "/handoffs/?tab=all")
    assert message.read_at is not None


def test_all_can_be_marked_at_once(dana: Person, browser: Client) -> None:
    other = Person.objects.create_user("wanda@fernhill.example", name="Wanda Ashgrove")
    tell(dana, "a"), tell(dana, "b"), tell(other, "c")
    browser.post(reverse("effects:read_all"))
    assert list(InboxMessage.objects.filter(read_at=None).values_list("key", flat=True)) == ["c"]


def test_nobody_opens_the_message_of_another(browser: Client) -> None:
    other = Person.objects.create_user("wanda@fernhill.example", name="Wanda Ashgrove")
    message = tell(other, "a")
    assert browser.get(reverse("effects:open", args=[message.pk])).status_code == 404
    assert browser.post(reverse("effects:read", args=[message.pk])).status_code == 404
    message.refresh_from_db()
    assert message.read_at is None


def test_an_empty_inbox_says_what_comes(browser: Client) -> None:
    assert "Nothing here yet" in browser.get(reverse("effects:inbox")).content.decode()


def shown(browser: Client, tab: str = "all", page: int = 1) -> list[tuple[str, int]]:
    answer = browser.get(reverse("effects:inbox"), {"tab": tab, "page": str(page)})
    return [(b.title, b.count) for b in answer.context["bundles"]]


def test_a_flood_of_one_group_is_one_row_with_links(dana: Person, browser: Client) -> None:
    for i in range(12):
        tell(dana, f"{i}", href=f"/clocks/{i}/", record=str(uuid.UUID(int=i + 1)), **GROUP)
    tell(dana, "alone")
    assert shown(browser) == [("About alone", 1), ("12 late: First human touch", 12)]
    text = browser.get(reverse("effects:inbox")).content.decode()
    for message in InboxMessage.objects.exclude(record=None):
        assert reverse("effects:open", args=[message.pk]) in text
        assert reverse("records:record", args=[message.record]) in text


def test_a_group_is_read_as_a_whole_and_a_warning_of_it_is_not(dana: Person, browser: Client) -> None:
    late = [tell(dana, f"{i}", **GROUP) for i in range(3)]
    tell(dana, "warning", **{**GROUP, "severity": "warning"})
    browser.post(reverse("effects:read", args=[late[0].pk]), {"group": "1", "tab": "unread"})
    assert shown(browser, "unread") == [("About warning", 1)]
    assert shown(browser) == [("About warning", 1), ("3 late: First human touch", 3)]


def test_another_day_is_another_row(dana: Person, browser: Client) -> None:
    for i in range(4):
        tell(dana, f"{i}", **GROUP)
    InboxMessage.objects.filter(key__in=["0", "1"]).update(created_at=timezone.now() - timedelta(days=2))
    assert [count for _, count in shown(browser)] == [2, 2]


def test_tabs_narrow_and_say_when_they_are_empty(dana: Person, browser: Client) -> None:
    tell(dana, "late", severity="late")
    tell(dana, "info")
    assert shown(browser, "late") == [("About late", 1)]
    assert len(shown(browser, "no such tab")) == 2
    browser.post(reverse("effects:read_all"))
    assert shown(browser, "unread") == []
    text = browser.get(reverse("effects:inbox"), {"tab": "unread"}).content.decode()
    assert "You have read everything" in text


def test_many_rows_are_paged(dana: Person, browser: Client) -> None:
    for i in range(51):
        tell(dana, f"{i}")
    assert (len(shown(browser)), len(shown(browser, page=2))) == (50, 1)


@pytest.mark.parametrize(
    ("href", "leads_there"),
    [
        ("/clocks/1/", True),
        ("//evil.example/", False),
        ("/\\evil.example/", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_message_leads_only_to_our_own_pages(href: str, leads_there: bool) -> None:
    assert is_ours(href) is leads_there
