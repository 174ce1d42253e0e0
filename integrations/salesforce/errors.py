"""Salesforce's answers as our four errors. Order: status, content type, code, message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import PushResult
from integrations.errors import ConnectorError, Misconfigured, Reconnect, Rejected, RetryLater
from integrations.legible import Illegible


class SessionExpired(ConnectorError):
    """Sign in again and repeat the call once; never leaves the connector."""


class LocatorGone(ConnectorError):
    """The open query was closed by the server; go on from the last key."""


class TooSlow(RetryLater):
    """The query ran into Salesforce's two minutes; the same rows can be read by Bulk."""


DAILY_PAUSE = timedelta(minutes=30)
TRANSIENT = {
    "UNABLE_TO_LOCK_ROW",
    "SERVER_UNAVAILABLE",
    "UNKNOWN_EXCEPTION",
    "REQUEST_RUNNING_TOO_LONG",
}
GONE = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "CANNOT_UPDATE_CONVERTED_LEAD"}
SETTINGS = {
    "API_DISABLED_FOR_ORG",
    "API_CURRENTLY_DISABLED",
    "FUNCTIONALITY_NOT_ENABLED",
    "INSUFFICIENT_ACCESS",
    "FORBIDDEN",
    "INVALID_FIELD",
    "INVALID_TYPE",
    "MALFORMED_QUERY",
    "QUERY_TOO_COMPLICATED",
    "TXN_SECURITY_METERING_ERROR",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
}


def classify(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise the error that an answer stands for; nothing for a good one."""
    kind = headers.get("Content-Type", headers.get("content-type", "")).lower()
    is_json = "json" in kind
    if status < 300 and (is_json or not body or kind.startswith("text/csv")):
        return
    code, message = _details(body) if is_json else ("", "")
    words = f"Salesforce: {code or status}: {message}".rstrip(": ")
    if status < 300:
        raise Illegible("Salesforce answered with something that is not JSON; it may be under maintenance.")
    if status == 401:
        # A page or an empty answer says no more than the status does.
        if code in {"", "INVALID_SESSION_ID"} and "not valid for use with the REST API" not in message:
            raise SessionExpired(words)
        raise Reconnect(words)
    if code in {
        "invalid_grant",
        "invalid_client",
        "invalid_client_id",
        "inactive_user",
        "unauthorized_client",
        "unsupported_grant_type",
    }:
        raise Reconnect(words)
    if code == "REQUEST_LIMIT_EXCEEDED":
        pause = timedelta(seconds=20) if "Concurrent" in message else DAILY_PAUSE
        raise RetryLater(words, at=datetime.now(UTC) + pause, is_for_all=True, is_untouched=True)
    if code == "INVALID_QUERY_LOCATOR":
        raise LocatorGone(words)
    if code == "QUERY_TIMEOUT":
        raise TooSlow(words)
    if code in TRANSIENT or status in {406, 408, 420, 429} or status >= 500:
        raise RetryLater(
            words or "Salesforce is not available.",
            is_for_all=status != 400,
            is_untouched=status in {420, 429},
        )
    if status == 404 and not code:
        raise Misconfigured("Salesforce answers nothing at this address (404): look at the domain.")
    if code in SETTINGS or status in {403, 404, 414, 431}:
        raise Misconfigured(words)
    raise Rejected(words, code=code)


def push_result(remote_id: str, item: Mapping[str, Any]) -> PushResult:
    """One record's part of a collection's answer."""
    if item.get("success") is True:
        return PushResult(remote_id, "written")
    errors = item.get("errors") or [{}]
    code = str(errors[0].get("statusCode") or errors[0].get("errorCode") or "")
    text = "; ".join(str(e.get("message", "")) for e in errors)[:2000]
    if code in TRANSIENT or code == "ALL_OR_NONE_OPERATION_ROLLED_BACK":
        return PushResult(remote_id, "retry", text, code)
    blamed = tuple(dict.fromkeys(str(name) for e in errors for name in e.get("fields") or ()))
    return PushResult(remote_id, "gone" if code in GONE else "refused", text, code, blamed)


def _details(body: bytes) -> tuple[str, str]:
    """(code, message) of a list, an object or an OAuth object; empty for anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if isinstance(data, list):
        data = data[0] if data else {}
    if not isinstance(data, dict):
        return "", ""
    code = data.get("errorCode") or data.get("error") or data.get("exceptionCode") or ""
    message = data.get("message") or data.get("error_description") or data.get("exceptionMessage") or ""
    return str(code), str(message)[:1000]
