"""What people read of a step, and the effects that carry it to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from effects.outbox import Intent
from slas.evidence import NOBODY
from slas.fold import NOT_VERIFIED, ClockData
from slas.steps import Step

ONCE = 0
"""Stands for a person in the keys of what no single person gets."""


@dataclass(frozen=True)
class Case:
    """A clock in whose name people are told. ``title`` is the buyer's, ``unit`` their business unit."""

    clock: ClockData
    title: str
    unit: int | None

    @property
    def about(self) -> str:
        return f"{self.title or 'a record'} · {self.clock.rule.name}"

    @property
    def href(self) -> str:
        return reverse("slas:clock", args=[self.clock.id])

    @property
    def owner_id(self) -> int | None:
        return self.clock.holder.person_id if self.clock.holder else None

    def payload(self, severity: str, title: str, body: str, *, at_any_hour: bool = False) -> dict[str, Any]:
        """Without the receiver. ``due_at`` is ISO text."""
        rule, due_at = self.clock.rule, self.clock.due_at
        return {
            "severity": severity,
            "title": title,
            "body": body,
            "href": self.href,
            "record": str(self.clock.start.record_id),
            "group": rule.key,
            "group_name": rule.name,
            "team": rule.acting_team,
            "due_at": due_at.isoformat() if due_at else None,
            "at_any_hour": at_any_hour,
        }


def effect_key(
    clock_id: uuid.UUID, step: str = "", person: int = ONCE, channel: str = "", due_at: datetime | None = None
) -> str:
    """The key of one message; without the rest the stem that all of a clock's share. ``due_at`` for a warning: it
    may be said again for another due time."""
    if not step:
        return f"clock:{clock_id}:"
    moment = f"@{due_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}" if due_at else ""
    return f"clock:{clock_id}:{step}{moment}:{person}:{channel}"


def intents_of(case: Case, step: Step, zones: Mapping[int, str], more: str = "") -> Iterator[Intent]:
    """One message per person and channel, and one for the step's Slack channel. ``zones``: who is told -> their time
    zone; ``more``: a last line."""
    clock, is_warning = case.clock, step.when.is_warning
    # Two steps of one moment tell the same person by the same way only once.
    moment = step.name.partition(":")[0]
    due_at = clock.due_at if is_warning else None
    for person, channel in [
        *((person, channel) for person in zones for channel in step.by),
        *([(ONCE, "slack_channel")] if step.channel else ()),
    ]:
        title, body = _words(case, step, zones.get(person, "UTC"))
        payload = case.payload(
            "warning" if is_warning else "late",
            title,
            "\n".join(line for line in (body, more) if line),
            at_any_hour=step.at_any_hour,
        )
        receiver = {"channel": step.channel} if channel == "slack_channel" else {"person": person}
        within = f"{moment}:{step.channel}" if channel == "slack_channel" else moment
        yield Intent(
            channel=channel,
            key=effect_key(clock.id, within, person, channel, due_at),
            order_key=f"clock:{clock.id}:{channel}",
            payload=payload | receiver,
        )


def note(case: Case, name: str, person: int, severity: str, title: str, body: str) -> Intent:
    """One message to one inbox."""
    return Intent(
        channel="inbox",
        key=effect_key(case.clock.id, name, person, "inbox"),
        order_key=f"clock:{case.clock.id}:inbox",
        payload=case.payload(severity, title, body) | {"person": person},
    )


def _words(case: Case, step: Step, zone: str) -> tuple[str, str]:
    clock = case.clock
    who = clock.holder.name if clock.holder else NOBODY
    has_it = "It is done by now" if clock.result.stop else f"{who} has it"
    if step.when.is_warning and clock.due_at is not None:
        local = clock.due_at.astimezone(ZoneInfo(zone))
        due = f"{local:%a} {local.day} {local:%b %H:%M} ({zone})"
        return f"Due soon: {case.about}", f"{clock.rule.sentence}\nIt is due {due}. {has_it}."
    late = "Still late" if step.when.kind == "after" else "Late"
    return (
        f"{late}: {case.about}{_doubt(clock)}",
        f"{clock.rule.sentence}\nIt was due {clock.rule.target.words}. {has_it}.",
    )


def _doubt(clock: ClockData) -> str:
    if clock.result.state != NOT_VERIFIED:
        return ""
    if clock.no_data:
        return f" (not verified: {', '.join(clock.no_data)} can't tell of a touch)"
    return " (not verified: the CRM can't be read)"
