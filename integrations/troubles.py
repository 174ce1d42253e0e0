"""What is wrong with a connection, in the CRM's words, with the next step: on its page and on that of writing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode

from integrations.models import Credential, PullCursor, WebhookEvent
from integrations.writing.advice import advice_on
from integrations.writing.claiming import is_open, waiting_objects
from integrations.writing.dead import refused_for_good
from integrations.writing.models import PushState
from records.models import Connection, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME

REASONS = 5
"""Of refusals, the most frequent; the page of what was not written has them all."""

FIELDS = 4


@dataclass(frozen=True)
class Trouble:
    """``href`` leads to where something can be done about it; ``action`` says what."""

    where: str
    text: str
    what_to_do: str
    href: str = ""
    action: str = ""


def troubles_of(connections: Sequence[Connection], now: datetime) -> dict[int, list[Trouble]]:
    """By connection, in a constant number of queries; none of those that are being set up or are disconnected."""
    live = [one for one in connections if one.setup is None and one.disconnected_at is None]
    by_id = {one.pk: one for one in live}
    found: dict[int, list[Trouble]] = {one.pk: [] for one in connections}
    for kind in (_credentials, _fields, _reading, _webhooks, _sending, _refused):
        for pk, trouble in kind(by_id, now):
            found[pk].append(trouble)
    return found


Told = Iterator[tuple[int, Trouble]]
Connections = dict[int, Connection]


def _credentials(connections: Connections, now: datetime) -> Told:
    signed_in = set(
        Credential.objects.filter(connection__in=connections).values_list("connection_id", flat=True)
    )
    for pk, one in connections.items():
        href = reverse("integrations:sign_in", args=[one.name])
        if one.state == Connection.State.BROKEN:
            step = "Enter them again, or approve the app there."
            yield pk, Trouble("Credentials", one.state_reason, step, href, "Sign in again")
        elif pk not in signed_in:
            step = "Enter them; nothing can be read until then."
            yield pk, Trouble("Credentials", "There are none.", step, href, "Sign in")


def _fields(connections: Connections, now: datetime) -> Told:
    theirs: dict[int, list[str]] = defaultdict(list)
    ours: dict[int, list[str]] = defaultdict(list)
    rows = FieldMapping.objects.filter(connection__in=connections, is_broken=True)
    for pk, place, name, field in rows.order_by("remote_object", "remote_name").values_list(
        "connection_id", "remote_object", "remote_name", "field__name"
    ):
        (ours if field in OWN_FIELD_BY_NAME else theirs)[pk].append(f"{place}.{name}")
    for pk, names in ours.items():
        yield (
            pk,
            Trouble(
                "Our fields",
                f"{_listed(names)}: gone, or hidden from our user.",
                "Nothing is written into them. Create them again; what they should say is written then.",
                reverse("integrations:writing"),
                "What we write",
            ),
        )
    for pk, names in theirs.items():
        yield (
            pk,
            Trouble(
                "Fields",
                f"{_listed(names)}: gone, or hidden from our user.",
                "Their values count as unknown, and checks that read them say “Can't tell” until another field is "
                "chosen or access is given.",
                reverse("integrations:changed_fields", args=[connections[pk].name]),
                "Choose other fields",
            ),
        )


def _reading(connections: Connections, now: datetime) -> Told:
    cursors: dict[int, list[PullCursor]] = defaultdict(list)
    for row in PullCursor.objects.filter(connection__in=connections).order_by("remote_object"):
        cursors[row.connection_id].append(row)
    for pk, rows in cursors.items():
        one = connections[pk]
        for row in rows if one.state != Connection.State.BROKEN else ():
            if row.last_error:
                yield (
                    pk,
                    Trouble(
                        f"Reading {row.remote_object}",
                        row.last_error,
                        f"It is tried again at {row.next_pull_at:%H:%M} UTC. If it stays, test the connection.",
                        reverse("integrations:connection_test", args=[one.name]),
                        "Test",
                    ),
                )
        paused = [row.remote_object for row in rows if row.paused_at is not None]
        if 0 < len(paused) < len(rows):
            yield (
                pk,
                Trouble(
                    "Reading",
                    f"Paused: {', '.join(paused)}.",
                    "What changes there meanwhile is not seen. Nothing is lost: it is read on from where it stopped.",
                    reverse("integrations:reading", args=[one.name]),
                    "Resume",
                ),
            )


def _webhooks(connections: Connections, now: datetime) -> Told:
    dead = WebhookEvent.objects.filter(connection__in=connections, state=WebhookEvent.State.DEAD)
    for pk, n in dead.order_by().values_list("connection").annotate(n=Count("pk")):
        step = "Their records come with the next reading; look at the runs."
        yield (
            pk,
            Trouble("Webhooks", f"{n:,} could not be served.", step, reverse("integrations:runs"), "Runs"),
        )


def _sending(connections: Connections, now: datetime) -> Told:
    """What keeps all writing, or the writing of one object, waiting."""
    for state in PushState.objects.filter(connection__in=connections):
        if not is_open(state, now) and state.next_try_at is not None:
            step = f"Nothing is lost: it is tried again at {state.next_try_at:%H:%M:%S} UTC."
            yield state.connection_id, Trouble("Writing", state.last_error, step)
        for remote_object in waiting_objects(state, now):
            yield (
                state.connection_id,
                Trouble(
                    f"Writing {remote_object}",
                    str(state.paused_objects[remote_object]["text"]),
                    "Give our user the right, or put the field back; it is tried again every five minutes.",
                ),
            )


def _refused(connections: Connections, now: datetime) -> Told:
    rows = (
        refused_for_good()
        .filter(record__connection__in=connections)
        .values_list("record__connection", "last_error")
        .annotate(records=Count("record", distinct=True))
        .order_by("-records", "last_error")
    )
    told: dict[int, int] = defaultdict(int)
    for pk, text, records in rows.iterator():
        told[pk] += 1
        if told[pk] <= REASONS:
            page = reverse("integrations:dead", args=[connections[pk].name])
            yield (
                pk,
                Trouble(
                    f"Writing {records:,} record{'' if records == 1 else 's'}",
                    text,
                    f"{advice_on(text)} Then send it again, or let the values go.",
                    f"{page}?{urlencode({'reason': text})}",
                    "What was not written",
                ),
            )


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - FIELDS} more" if len(shown) > FIELDS else ""
    return ", ".join(shown[:FIELDS]) + more
