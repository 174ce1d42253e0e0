"""Reading what other tools send: track events in the usual shape, one by one, with what is wrong in words. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_BYTES = 500_000
MOST_EVENTS = 500
MOST_EVENT_BYTES = 32_000
MOST_DEPTH = 5
MOST_PROPERTIES = 200
NAME_LENGTH = 80
REF_LENGTH = 200
EMAIL_LENGTH = 254
CLOCKS_MAY_DIFFER = timedelta(minutes=1)

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class SignalEvent:
    """One event that can be kept. ``user_email`` is in small letters; what the event doesn't say is ''."""

    message_id: str
    name: str
    user_ref: str
    user_email: str
    account_ref: str
    properties: Mapping[str, Any]
    occurred_at: datetime


class EventRefused(Exception):
    """Why an event can't be kept. ``code`` is for machines, ``text`` for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Unusable(Exception):
    """Nothing of a delivery can be read; the text says why."""


def signal_name(text: str) -> str:
    """ "Workspace Invited" as ``workspace_invited``: what criteria call it. '' when nothing remains."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_PLAIN.sub("_", plain.lower()).strip("_")


def events_in(payload: Any) -> Sequence[Any]:
    """The events of a delivery, in order: one event, a list of them, or ``{"batch": […]}``. Raises Unusable."""
    found = payload
    if isinstance(payload, Mapping):
        found = payload.get("batch", [payload])
    if not isinstance(found, list):
        raise Unusable('send one event, or {"batch": [event, …]}')
    if not found:
        raise Unusable("the batch is empty; send at least one event")
    if len(found) > MOST_EVENTS:
        raise Unusable(f"{len(found)} events; send at most {MOST_EVENTS} at once")
    return found


def sent_at(payload: Any) -> Any:
    """When the sender says that the delivery left, as it stands there."""
    return payload.get("sentAt", payload.get("sent_at")) if isinstance(payload, Mapping) else None


def read_event(event: Any, now: datetime, *, sent: Any = None, oldest: datetime | None = None) -> SignalEvent:
    """One event. ``sent``: of the delivery, used where the event has none. Raises EventRefused."""
    if not isinstance(event, Mapping):
        raise EventRefused("not_an_event", "not a JSON object")
    if len(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")) > MOST_EVENT_BYTES:
        raise EventRefused("too_large", f"larger than {MOST_EVENT_BYTES // 1000} KB")
    kind = event.get("type", "track")
    if kind != "track":
        raise EventRefused("not_track", f'type is {_quoted(kind)}; only "track" events are taken')
    told = event.get("event", event.get("name"))
    if not isinstance(told, str) or not told.strip():
        raise EventRefused("no_name", '"event" is missing: the name of what happened')
    name = signal_name(told)
    if not name or len(name) > NAME_LENGTH:
        raise EventRefused("name", f'"event" must have letters or digits, {NAME_LENGTH} at most')
    user, email = _user_of(event)
    account = _account_of(event)
    if not (user or email or account):
        raise EventRefused("nobody", "says neither whom nor which account it is about: userId or groupId")
    properties = event.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise EventRefused("properties", '"properties" must be a JSON object')
    _check_properties(properties)
    at = _occurred_at(event, now, sent)
    if oldest is not None and at < oldest:
        raise EventRefused(
            "too_old", f"happened {at:%Y-%m-%d}; signals before {oldest:%Y-%m-%d} are not kept"
        )
    return SignalEvent(_message_id(event, at), name, user, email, account, dict(properties), at)


def _user_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """(id in the product, e-mail); a user id that is an e-mail address counts as one."""
    user = _ref(event, "userId", "user_id")
    context = _inside(event, "context")
    places = (event, _inside(event, "traits"), _inside(context, "traits"), _inside(event, "properties"))
    email = next((e for place in places if (e := _email(place.get("email")))), "")
    if not email:
        email = _email(user)
    return ("" if user.lower() == email else user), email


def _account_of(event: Mapping[str, Any]) -> str:
    context = _inside(event, "context")
    return _ref(event, "groupId", "group_id", "accountId", "account_id") or _ref(
        context, "groupId", "group_id", "accountId", "account_id"
    )


def _inside(place: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = place.get(name)
    return found if isinstance(found, Mapping) else {}


def _ref(place: Mapping[str, Any], *names: str) -> str:
    told = next((place[name] for name in names if place.get(name) not in (None, "")), "")
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise EventRefused("id", f'"{names[0]}" must be a text or a whole number')
    text = str(told).strip()
    if len(text) > REF_LENGTH or _UNSTORABLE.search(text):
        raise EventRefused("id", f'"{names[0]}" must be plain text, at most {REF_LENGTH} letters')
    return text


def _email(told: Any) -> str:
    text = told.strip().lower() if isinstance(told, str) else ""
    if not 3 <= len(text) <= EMAIL_LENGTH or _UNSTORABLE.search(text) or " " in text:
        return ""
    return text if "@" in text[1:-1] else ""


def _message_id(event: Mapping[str, Any], at: datetime) -> str:
    """The sender's; without one, what the event says, so that the same event sent again is one."""
    told = event.get("messageId", event.get("message_id"))
    if told in (None, ""):
        said = json.dumps([event, at.isoformat()], sort_keys=True, default=str).encode()
        return "content:" + hashlib.blake2b(said, digest_size=16).hexdigest()
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise EventRefused("message_id", '"messageId" must be a text')
    text = str(told)
    if len(text) > REF_LENGTH or _UNSTORABLE.search(text):
        raise EventRefused("message_id", f'"messageId" must be plain text, at most {REF_LENGTH} letters')
    return text


def _occurred_at(event: Mapping[str, Any], now: datetime, sent: Any) -> datetime:
    """When it happened by our clock: a sender's clock that differs by more than a minute is set right by ``sentAt``."""
    told = event.get("timestamp")
    if told in (None, ""):
        return now
    at = _instant(told)
    if at is None:
        raise EventRefused(
            "timestamp", f'"timestamp" can\'t be read: {_quoted(told)}; use ISO 8601 with a zone'
        )
    left = _instant(event.get("sentAt", event.get("sent_at")) or sent)
    if left is not None and abs(now - left) > CLOCKS_MAY_DIFFER:
        at = now - (left - at)
    return min(at, now)


def _instant(told: Any) -> datetime | None:
    if not isinstance(told, str):
        return None
    try:
        at = datetime.fromisoformat(told.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _check_properties(properties: Mapping[str, Any]) -> None:
    count = 0
    waiting: list[tuple[Any, int]] = [(properties, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise EventRefused("too_deep", f"properties are nested more than {MOST_DEPTH} deep")
        if isinstance(value, Mapping):
            count += len(value)
            for name in value:
                _check_text(name)
            waiting += [(v, depth + 1) for v in value.values() if isinstance(v, Mapping | list)]
            for v in value.values():
                _check_text(v)
        else:
            count += len(value)
            waiting += [(v, depth + 1) for v in value if isinstance(v, Mapping | list)]
            for v in value:
                _check_text(v)
    if count > MOST_PROPERTIES:
        raise EventRefused("too_many", f"more than {MOST_PROPERTIES} properties")


def _check_text(value: Any) -> None:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise EventRefused("text", "a property holds a zero byte or half a character")


def _quoted(told: Any) -> str:
    text = json.dumps(told, default=str)
    return text if len(text) <= 60 else text[:57] + "…"
