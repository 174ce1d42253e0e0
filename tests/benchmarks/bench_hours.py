"""An edit of working hours: clocks that run by one of two calendars, and as many that are done. What is written is each
clock whose due time moves, and no other row."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.benchmarks.database import start_database, transaction_now, written_since
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

if TYPE_CHECKING:
    import uuid

    from records.incoming import IncomingRecord

RECORDS = 10_000
PAGE = 2_000
ZONE = ZoneInfo("America/Chicago")
WEEK = {day: [["08:30", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")}
HOURS = {"name": "Austin", "tz": "America/Chicago", "week": WEEK, "teams": ["sdr"]}
EDITED = {**HOURS, "week": {**WEEK, "thu": [["10:00", "17:30"]]}}
LATER = timedelta(minutes=90)
"""How much later each day of the edited calendar begins on Thursday."""
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


def _austin(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


FIRST, LAST = _austin(16, 14, 30), _austin(18, 11, 30)
"""Clocks begin from Monday to Wednesday. With 16 hours the first of them is due on Wednesday at 12:30."""
NOW = _austin(18, 12)
"""Wednesday noon, when the edit comes into force."""
RULE = {
    "name": "Worked", "sentence": "It is worked within 16 business hours.", "from_team": "marketing", "to_team": "sdr",
    "start": {"stage_entered": "mql"}, "stop": {"field_set": "worked"}, "target": {"business": "16h"},
}  # fmt: skip
STAGE = {
    "name": "Marketing qualified lead", "short": "MQL", "order": 20, "owner": "marketing",
    "sentence": "Marketing says it is worth a call.",
    "claimed_when": {"connection": "contacts", "object": "person", "field": "stage", "values": ["mql"]},
}  # fmt: skip
FIELDS = {"stage": "picklist", "owner": "reference", "worked": "text"}
OWNERS = ("sasha", "mira")
"""The first counts by the hours of the team, the second by hours of her own, which stay as they are."""


def compare() -> list[Result]:
    start_database()
    running = int(OPTIONS.get("records", RECORDS))
    began = time.perf_counter()
    _fill(running)
    sys.stderr.write(
        f"{running:,} running clocks and {running:,} done made in {time.perf_counter() - began:.0f} s\n"
    )
    before = _due_times()
    if len(before) != running or _count_clocks() != 2 * running:
        raise WrongAnswerError(f"{len(before):,} clocks run of {_count_clocks():,}; half of them should")
    moves = _moves(running)
    mark = transaction_now()
    taken = _edit()
    written = written_since(mark, "slas_clock")
    if written != moves.keys():
        raise WrongAnswerError(f"{len(written):,} clocks were written, the due time of {len(moves):,} moves")
    after = _due_times()
    wrong = [pk for pk, due in before.items() if after.get(pk) != due + moves.get(pk, timedelta())]
    if wrong:
        raise WrongAnswerError(f"{len(wrong):,} clocks have a wrong due time, {wrong[0]} for one")
    sys.stderr.write(
        f"  an edit of hours: {taken:.1f} s, {len(written):,} clocks written, whose due time moves, of {running:,} "
        f"that run and {running:,} that are done\n"
    )
    mark = transaction_now()
    whole = _conclude_all()
    if again := written_since(mark, "slas_clock"):
        raise WrongAnswerError(f"{len(again):,} clocks were written though nothing had changed")
    what = f"an edit of hours, {len(written):,} of {running:,} running clocks move"
    return [Result(what, taken, "concluding every record anew", whole)]


# --- what is there ---------------------------------------------------------------------------------------------


def _started_at(place: int, running: int) -> datetime:
    """Whole seconds, as a CRM keeps them."""
    return FIRST + timedelta(seconds=int((LAST - FIRST).total_seconds()) * (place % running) // running)


def _moves(running: int) -> dict[uuid.UUID, timedelta]:
    """Which clocks are due later, and by how much. By hand: who began after 10:30 on Tuesday has hours left on
    Thursday, so each of those of the team's calendar is due 90 minutes later. Of who began on Wednesday from 9:00 to
    10:30, that is beyond the closing on Thursday: the rest is worked on Friday morning, 15 hours later."""
    from slas.models import Clock

    found = {}
    clocks = Clock.objects.filter(rule_key="worked").values_list("pk", "record__remote_id")
    for pk, remote_id in clocks:
        place = int(remote_id)
        at = _started_at(place, running)
        if place < running and place % len(OWNERS) == 0 and at > _austin(17, 10, 30):
            is_over_night = _austin(18, 9) < at <= _austin(18, 10, 30)
            found[pk] = LATER + (timedelta(hours=15) if is_over_night else timedelta())
    return found


def _fill(running: int) -> None:
    """Buyers that became MQL from Monday to Wednesday. The first half waits, the second was worked after a minute."""
    from records.models import CatalogueField, Connection, FieldMapping, OwnerMatch
    from teams.models import Membership, Person, Team

    crm = Connection.objects.create(name="contacts", label="Contacts", kind="hubspot", go_live_at=LONG_AGO)
    for name, kind in FIELDS.items():
        field, _ = CatalogueField.objects.get_or_create(
            object="person", name=name, defaults={"label": name, "type": kind}
        )
        FieldMapping.objects.create(connection=crm, field=field, remote_object="contacts", remote_name=name)
    teams = [
        Team.objects.get_or_create(key=key, defaults={"name": key, "purpose": key})[0]
        for key in ("marketing", "sdr")
    ]
    for name in OWNERS:
        person = Person.objects.create_user(f"{name}.bench@fernhill.example", name=name)
        Membership.objects.create(person=person, team=teams[1], started_at=LONG_AGO)
        OwnerMatch.objects.create(connection=crm, remote_id=name, kind="person", name=name, person=person)
    own = {**HOURS, "name": "Own", "teams": [], "people": [f"{OWNERS[1]}.bench@fernhill.example"]}
    _publish("stages", "mql", STAGE, LONG_AGO)
    _publish("calendars", "bench_team", HOURS, LONG_AGO)
    _publish("calendars", "bench_own", own, LONG_AGO)
    _publish("sla_rules", "worked", RULE, LONG_AGO)
    for stage, worked, minutes in (("lead", None, -5), ("mql", None, 0), ("mql", "yes", 1)):
        places = range(running, 2 * running) if worked else range(2 * running)
        _store(places, running, stage, worked, timedelta(minutes=minutes))
    _process(NOW - timedelta(minutes=1))


def _store(places: range, running: int, stage: str, worked: str | None, after: timedelta) -> None:
    from django.db import transaction

    from records.models import Connection
    from records.services import store_page

    crm = Connection.objects.get(name="contacts")
    for first in range(0, len(places), PAGE):
        page = list(_rows(places[first : first + PAGE], running, stage, worked, after))
        with transaction.atomic():
            store_page(crm, page, now=max(row.modified_at for row in page))


def _rows(
    places: range, running: int, stage: str, worked: str | None, after: timedelta
) -> Iterator[IncomingRecord]:
    from records.incoming import IncomingRecord

    for place in places:
        at = _started_at(place, running)
        values = {"stage": stage, "owner": OWNERS[place % len(OWNERS)], "worked": worked}
        yield IncomingRecord(
            "contacts",
            str(place),
            values,
            modified_at=at + after,
            created_at=at - timedelta(minutes=5),
            raw=values,
        )


def _publish(section: str, key: str, body: Mapping[str, Any], since: datetime) -> None:
    from definitions.models import Version

    number = Version.objects.filter(section=section, key=key).count() + 1
    Version.objects.create(
        section=section, key=key, number=number, body=body, state="signed", effective_from=since,
        population_done_at=None if since == NOW else since,
    )  # fmt: skip


# --- what is done ----------------------------------------------------------------------------------------------


def _edit() -> float:
    """Publish, find whom it concerns, and conclude them anew; seconds."""
    from definitions.judging.publishing import publish_due

    began = time.perf_counter()
    _publish("calendars", "bench_team", EDITED, NOW)
    while publish_due(NOW):
        pass
    _process(NOW)
    return time.perf_counter() - began


def _conclude_all() -> float:
    from records.models import Record
    from records.services import touch

    began = time.perf_counter()
    touch(Record.objects.filter(connection__name="contacts").values_list("pk", flat=True), NOW)
    _process(NOW)
    return time.perf_counter() - began


def _process(now: datetime) -> None:
    """The pipeline, until nothing is touched."""
    from gtmops.pipeline import process
    from records.models import Touched

    while process(now):
        pass
    if left := Touched.objects.count():
        raise WrongAnswerError(f"{left:,} records could not be concluded")


# --- what is found ---------------------------------------------------------------------------------------------


def _due_times() -> dict[uuid.UUID, datetime]:
    from slas.models import Clock

    running = Clock.objects.filter(rule_key="worked", state=Clock.State.RUNNING)
    return {pk: due for pk, due in running.values_list("pk", "due_at") if due is not None}


def _count_clocks() -> int:
    from slas.models import Clock

    return Clock.objects.filter(rule_key="worked").count()
