from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

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
    assert [m.key for m in page.context["page"]] == ["middle", "oldest", "newest"]
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
