"""An e-mail. A stable Message-ID lets the receiver fold a repeat after a crash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from smtplib import SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from effects.registry import Refused
from effects.wording import lines_of
from teams.models import Person


def deliver(key: str, payload: Mapping[str, Any]) -> None:
    """``payload``: person (id), title, body, href (a path of ours), sections where it stands for several messages.

    Raises Refused when nobody can get it."""
    person = Person.objects.filter(pk=payload["person"], is_active=True).first()
    if person is None or not person.email:
        raise Refused("This person has no e-mail address any more.")
    host = urlsplit(settings.SITE_URL).hostname or "gtmops"
    digest = hashlib.sha256(key.encode()).hexdigest()[:40]
    listed = "\n".join(_line(*line) for line in lines_of(payload.get("sections", ())))
    parts = (payload.get("body", ""), listed, _address(payload.get("href", "")))
    text = "\n\n".join(part for part in parts if part)
    message = EmailMessage(
        subject=" ".join(payload["title"].split()),
        body=text,
        to=[person.email],
        headers={"Message-ID": f"<{digest}@{host}>"},
    )
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        raise Refused(f"The mail server refuses {person.email}: {error.recipients}") from error


def _line(text: str, href: str) -> str:
    return f"- {text}\n  {_address(href)}" if href else f"\n{text}"


def _address(href: str) -> str:
    return f"{settings.SITE_URL}{href}" if href.startswith("/") else href
