"""A mail sink: takes every mail, keeps it in the store, delivers none."""

from __future__ import annotations

import email
import email.policy
import json
from typing import Any

from integrations.standins.store import Store


class Sink:
    """An aiosmtpd handler."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        raw = bytes(envelope.content)
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self._store.execute(
            "INSERT INTO mails (at, message_id, sender, recipients, subject, raw) VALUES (?, ?, ?, ?, ?, ?)",
            [
                self._store.clock().isoformat(timespec="seconds"),
                str(message.get("Message-ID", "")),
                str(envelope.mail_from or ""),
                json.dumps(list(envelope.rcpt_tos)),
                str(message.get("Subject", "")),
                raw,
            ],
        )
        return "250 kept"


def start_sink(store: Store, host: str, port: int) -> Any:
    """Listen in a thread of its own; ``.stop()`` ends it. Raises OSError when the port is taken."""
    from aiosmtpd.controller import Controller

    controller = Controller(Sink(store), hostname=host, port=port)
    controller.start()
    return controller


def mails(store: Store, *, once: bool = False) -> list[dict[str, Any]]:
    """Newest first; with ``once`` each Message-ID only once, with the number of copies."""
    rows = store.fetch(
        "SELECT seq, at, message_id, sender, recipients, subject FROM mails ORDER BY seq DESC LIMIT 1000"
    )
    out: list[dict[str, Any]] = []
    seen: dict[str, dict[str, Any]] = {}
    for row in rows:
        item = {k: row[k] for k in ("seq", "at", "message_id", "sender", "subject")}
        item |= {"recipients": json.loads(row["recipients"]), "copies": 1}
        first = seen.get(row["message_id"]) if once and row["message_id"] else None
        if first:
            first["copies"] += 1
            continue
        seen[row["message_id"]] = item
        out.append(item)
    return out


def mail_text(store: Store, seq: int) -> str | None:
    """The plain text of a mail, or its whole source when it has none; None when there is no such mail."""
    rows = store.fetch("SELECT raw FROM mails WHERE seq = ?", [seq])
    if not rows:
        return None
    message = email.message_from_bytes(rows[0]["raw"], policy=email.policy.default)
    part = message.get_body(preferencelist=("plain", "html"))
    return str(part.get_content()) if part is not None else message.as_string()
