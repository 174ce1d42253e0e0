"""The part of Slack's Web API that gtmops uses: users.lookupByEmail, chat.postMessage, conversations.list."""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from integrations.standins.http import Request, Response, Router, json_response
from integrations.standins.store import Store

CHANNELS = ("general", "revenue", "sdr-late", "handoffs")
MOST_SHOWN = 500
_PART = re.compile(r"<(?P<href>https?://[^|>\s]+)\|(?P<label>[^>]*)>|\*(?P<strong>[^*\n]+)\*")


class SlackApi:
    """Members are the people of both demo CRMs. A token that ends with "wrong" is none."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def routes(self, router: Router) -> None:
        for name, handler in (
            ("users.lookupByEmail", self.lookup),
            ("chat.postMessage", self.post),
            ("conversations.list", self.channels),
        ):
            for method in ("GET", "POST"):
                router.add(method, f"/api/{name}", self._guarded(handler))

    def _guarded(self, handler: Any) -> Any:
        def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not token.startswith("xoxb-") or token.endswith("wrong"):
                return _failed("invalid_auth" if token else "not_authed")
            response: Response = handler(_arguments(request))
            return response

        return guarded

    def lookup(self, values: dict[str, Any]) -> Response:
        email = str(values.get("email", "")).lower()
        name = members(self.store).get(email)
        if name is None:
            return _failed("users_not_found")
        return json_response({"ok": True, "user": {"id": member_id(email), "name": name, "deleted": False}})

    def post(self, values: dict[str, Any]) -> Response:
        channel, text = str(values.get("channel", "")), str(values.get("text", ""))
        if not text:
            return _failed("no_text")
        name = channel.removeprefix("#")
        if channel not in {member_id(email) for email in members(self.store)} and name not in CHANNELS:
            return _failed("channel_not_found")
        now = self.store.clock()
        ts = f"{now.timestamp():.6f}"
        self.store.execute(
            "INSERT INTO slack_messages (at, ts, channel, text) VALUES (?, ?, ?, ?)",
            [now.isoformat(timespec="seconds"), ts, channel, text],
        )
        return json_response({"ok": True, "channel": channel, "ts": ts, "message": {"text": text}})

    def channels(self, values: dict[str, Any]) -> Response:
        rows = [{"id": _digest("C", name), "name": name, "is_channel": True} for name in CHANNELS]
        return json_response({"ok": True, "channels": rows, "response_metadata": {"next_cursor": ""}})


@dataclass(frozen=True)
class Part:
    """A piece of a message as it is shown."""

    text: str
    href: str = ""
    is_strong: bool = False


def members(store: Store) -> dict[str, str]:
    """E-mail in small letters to name."""
    found = {
        str(o.get("email", "")).lower(): f"{o['first_name']} {o['last_name']}"
        for o in store.meta("owners", [])
    }
    for row in store.all_of("salesforce", "User"):
        found.setdefault(str(row.fields.get("Email", "")).lower(), str(row.fields.get("Name", "")))
    found.pop("", None)
    return found


def member_id(email: str) -> str:
    return _digest("U", email.lower())


def slack_messages(store: Store) -> list[dict[str, Any]]:
    """Newest first, with whom they are to by name."""
    names = {member_id(email): name for email, name in members(store).items()}
    rows = store.fetch(f"SELECT * FROM slack_messages ORDER BY seq DESC LIMIT {MOST_SHOWN}")  # noqa: S608  # a number
    return [
        {
            "seq": row["seq"],
            "at": row["at"],
            "to": names.get(row["channel"], row["channel"]),
            "channel": row["channel"],
            "text": row["text"],
            "parts": _parts(row["text"]),
        }
        for row in rows
    ]


def _parts(text: str) -> list[Part]:
    out, at = [], 0
    for found in _PART.finditer(text):
        if found.start() > at:
            out.append(Part(html.unescape(text[at : found.start()])))
        if found["href"]:
            out.append(Part(html.unescape(found["label"]), href=html.unescape(found["href"])))
        else:
            out.append(Part(html.unescape(found["strong"]), is_strong=True))
        at = found.end()
    return [*out, Part(html.unescape(text[at:]))] if at < len(text) else out


def _arguments(request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {name: found[-1] for name, found in request.query.items()}
    if "json" in request.headers.get("Content-Type", ""):
        body = json.loads(request.body or b"{}")
        return {**values, **body} if isinstance(body, dict) else values
    return {**values, **dict(parse_qsl(request.body.decode(), keep_blank_values=True))}


def _digest(prefix: str, text: str) -> str:
    return prefix + hashlib.blake2b(text.encode(), digest_size=5).hexdigest().upper()


def _failed(error: str) -> Response:
    return json_response({"ok": False, "error": error})
