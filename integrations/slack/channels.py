"""Delivering to Slack. A person is found by their e-mail address; a channel by its name or id.

Slack has no key that makes a repeat harmless: a worker killed between Slack's answer and our commit posts the message
once more, and the effect says so (``may_be_repeated``)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache

from effects.registry import NotNow, Refused
from effects.wording import lines_of
from integrations.errors import Misconfigured, Rejected, RetryLater
from integrations.slack.client import Slack, slack
from teams.models import Person

T = TypeVar("T")

LONGEST_TEXT = 3500
REMEMBERED_SECONDS = 86_400
_NO_SUCH_PERSON = frozenset({"users_not_found", "user_not_found", "channel_not_found", "user_disabled"})


def deliver_to_person(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: person (id), title, body, href, sections. Raises Refused for who is not in the workspace."""
    person = Person.objects.filter(pk=payload["person"], is_active=True).first()
    if person is None or not person.email:
        raise Refused("This person has no e-mail address any more, by which Slack would know them.")
    workspace = _ask(slack)
    member = _ask(lambda: _member(workspace, person.email), person.email)
    try:
        _ask(lambda: workspace.post(member, text_of(payload)), person.email)
    except Refused:
        # They may be another member by now.
        cache.delete(_cache_key(person.email))
        raise


def deliver_to_channel(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: channel ("#name" or id), title, body, href, sections."""
    channel = str(payload["channel"])
    _ask(lambda: slack().post(channel, text_of(payload)), channel)


def text_of(payload: Mapping[str, Any]) -> str:
    """Slack's own markup, cut where Slack would."""
    lines = [f"*{escaped(payload['title'])}*"]
    if payload.get("body"):
        lines.append(escaped(payload["body"]))
    for text, href in lines_of(payload.get("sections", ())):
        lines.append(f"• {_link(href, text)}" if href else f"*{escaped(text)}*")
    if payload.get("href"):
        lines.append(_link(str(payload["href"]), "Open in gtmops"))
    kept: list[str] = []
    left = LONGEST_TEXT
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept)


def escaped(text: object) -> str:
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(href: str, text: str) -> str:
    address = f"{settings.SITE_URL}{href}" if href.startswith("/") else href
    return f"<{address}|{escaped(text).replace('|', '¦')}>"


def _member(workspace: Slack, email: str) -> str:
    key = _cache_key(email)
    found = cache.get(key)
    if not isinstance(found, str):
        found = workspace.user_of(email)
        cache.set(key, found, REMEMBERED_SECONDS)
    return found


def _cache_key(email: str) -> str:
    named = f"{settings.SLACK_TOKEN}:{email.lower()}"
    return f"slack-member:{hashlib.blake2b(named.encode(), digest_size=16).hexdigest()}"


def _ask(call: Callable[[], T], who: str = "") -> T:
    """The call, with the outbox's own words for what went wrong."""
    try:
        return call()
    except Misconfigured as error:
        raise Refused(str(error)) from error
    except Rejected as error:
        raise Refused(_because(error, who)) from error
    except RetryLater as error:
        if error.at is not None:
            raise NotNow(str(error), seconds=(error.at - datetime.now(UTC)).total_seconds()) from error
        raise


def _because(error: Rejected, who: str) -> str:
    if error.code in {"not_in_channel", "is_archived", "restricted_action"}:
        return (
            f"Slack takes nothing into {who} ({error.code}): invite gtmops there, or choose another channel."
        )
    if error.code in _NO_SUCH_PERSON:
        return f"Slack knows no {'channel' if who.startswith('#') else 'member with the address'} {who}."
    return str(error)
