"""HubSpot's answers as our four errors: by status first, category second, never by the message's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.errors import Misconfigured, Reconnect, Rejected, RetryLater


class MissingScope(Misconfigured):
    """The token may not do this to any record."""


class SessionEnded(Reconnect):
    """The token is no longer taken; one of OAuth can be renewed without a person."""


def classify(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise the error that an answer stands for; nothing for a good one (207 is good: its parts are read)."""
    if 200 <= status < 300:
        return
    data = details(body)
    category = str(data.get("category") or data.get("policyName") or data.get("errorType") or "")
    words = f"HubSpot: {category or status}: {str(data.get('message') or '')[:1000]}".rstrip(": ")
    now = datetime.now(UTC)
    if status == 429:
        raise RetryLater(words, at=now + _pause(data, headers), is_for_all=True, is_untouched=True)
    if status in {423, 477}:
        raise RetryLater(
            words,
            at=now + timedelta(seconds=_seconds(headers, 2)),
            is_for_all=status == 477,
            is_untouched=True,
        )
    if status >= 500 or status == 408:
        raise RetryLater(words, is_for_all=True)
    if status == 401:
        raise SessionEnded(words)
    if status == 403:
        scopes = _scopes(data)
        if scopes or category == "MISSING_SCOPES":
            raise MissingScope(f"{words} Scopes needed: {', '.join(scopes)}." if scopes else words)
        raise Misconfigured(words)
    if status in {404, 405, 414, 431}:
        raise Misconfigured(words)
    said = blamed(data)
    if said:
        words = "HubSpot: " + "; ".join(f"{b.field}: {b.text} ({b.code})" for b in said)[:1000]
    raise Rejected(
        words,
        # The category may be missing; what a 409 says, its status says as well.
        code=said[0].code
        if len({b.code for b in said}) == 1
        else category or ("CONFLICT" if status == 409 else ""),
        fields=tuple(dict.fromkeys(b.field for b in said if b.field)),
    )


@dataclass(frozen=True)
class Blame:
    """What HubSpot says of one property of one write."""

    field: str
    code: str
    text: str


def blamed(error: Mapping[str, Any]) -> list[Blame]:
    """The properties that an error names, in its parts or hidden as JSON behind its words."""
    found: list[Blame] = []
    for part in error.get("errors") or []:
        if isinstance(part, dict):
            names = _listed(part.get("context"), "propertyName")
            found += [Blame(n, str(part.get("code") or ""), str(part.get("message") or "")) for n in names]
    if not found:
        _, _, hidden = str(error.get("message") or "").partition(": ")
        try:
            parts = json.loads(hidden)
        except ValueError:
            return []
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict) and part.get("name"):
                text = str(part.get("localizedErrorMessage") or part.get("message") or "")
                found.append(Blame(str(part["name"]), str(part.get("error") or ""), text))
    return found


def _listed(context: Any, key: str) -> list[str]:
    value = context.get(key) if isinstance(context, dict) else None
    return [str(v) for v in value] if isinstance(value, list) else [str(value)] if value else []


def details(body: bytes) -> dict[str, Any]:
    """The error body; empty when it is HTML or anything else that is no JSON object."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _pause(data: Mapping[str, Any], headers: Mapping[str, str]) -> timedelta:
    if str(data.get("policyName", "")).upper() == "DAILY":
        return timedelta(hours=1)
    is_search = str(data.get("category", "")) == "RATE_LIMITS"
    return timedelta(seconds=_seconds(headers, 1 if is_search else 10))


def _seconds(headers: Mapping[str, str], default: float) -> float:
    """Those that a header says; where it says a date the one HTTP policy reads it."""
    told = str(headers.get("Retry-After", "")).strip()
    return min(max(1.0, float(told[:9])), 86_400.0) if told.isdigit() and told.isascii() else default


def _scopes(data: Mapping[str, Any]) -> list[str]:
    found: set[str] = set()
    for part in (data, *(e for e in data.get("errors") or [] if isinstance(e, dict))):
        found |= {str(s) for s in (part.get("context") or {}).get("requiredGranularScopes") or []}
    return sorted(found)
