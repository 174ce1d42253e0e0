"""The list of records: what is asked for, found by indexes that hold at a million rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Upper
from django.http import QueryDict

from definitions.bodies import DEFINITIONS, PIPELINES, STAGES, StageBody, stage_body
from definitions.evidence.visibility import judged_as, state_for
from definitions.models import Judgement, StageEntry
from definitions.triggers.bodies import TRIGGERS
from definitions.versions import Model
from records.models import Connection, FieldMapping, LinkKey, Record
from records.storing.reading import email_key
from scorecards.facts import FactSet, facts_of
from scorecards.keyset import Cursor, KeysetPage, Order, keyset_page, read_cursor
from scorecards.links import clock_href
from scorecards.periods import Period, read_day
from slas.models import Clock
from teams.access import business_units_of
from teams.models import Person
from teams.querysets import border

OBJECTS = {"person": "People", "deal": "Deals", "account": "Accounts"}
PER_PAGE = 50
SHORTEST_SEARCH = 3
FEW_FOUND = 2_000
SOURCES_SECONDS = 300
ORDERS = {
    "-changed": Order("changed_at", is_descending=True),
    "changed": Order("changed_at"),
    "title": Order("title", is_moment=False),
    "-title": Order("title", is_descending=True, is_moment=False),
}
OWNERS = {"me": "Me", "none": "Nobody, or a queue", "left": "Someone who left"}


@dataclass(frozen=True)
class Wanted:
    """What a list is asked for. Empty texts don't narrow; ``period`` is of stage entries."""

    object: str = "person"
    search: str = ""
    stage: str = ""
    period: Period | None = None
    definition: str = ""
    state: str = ""
    variant: str = ""
    exclusion: str = ""
    owner: str = ""
    connection: str = ""
    source: str = ""
    region: str = ""
    unit: str = ""
    pipeline: str = ""
    is_open: bool = False
    facts: FactSet | None = None
    sort: str = "-changed"

    @property
    def is_narrowed(self) -> bool:
        return self != Wanted(object=self.object, sort=self.sort)


def read_wanted(query: Mapping[str, str]) -> Wanted:
    """What can't be read is left out."""
    facts = FactSet.read(query)
    first, last = read_day(query.get("from")), read_day(query.get("to"))
    texts = {
        name: query.get(name, "").replace("\x00", "").strip()[:200]
        for name in (
            "stage",
            "definition",
            "state",
            "variant",
            "exclusion",
            "owner",
            "connection",
            "source",
            "region",
            "unit",
            "pipeline",
        )
    }
    return Wanted(
        object=query["object"] if query.get("object") in OBJECTS else "person",
        search=query.get("q", "").replace("\x00", "").strip()[:200],
        is_open=query.get("open") == "1",
        period=Period(first, last) if first and last and first <= last and facts is None else None,
        facts=facts,
        sort=query["sort"] if query.get("sort") in ORDERS else "-changed",
        **texts,
    )


def read_page(wanted: Wanted, text: str | None) -> Cursor | None:
    return read_cursor(text, ORDERS[wanted.sort])


# --- finding ---------------------------------------------------------------------------------------------------


def chosen(viewer: Person, wanted: Wanted) -> QuerySet[Record]:
    """The records asked for, inside the viewer's border, without the search by text."""
    found = Record.objects.for_person(viewer).present().filter(object=wanted.object)
    if wanted.connection:
        found = found.filter(connection__name=wanted.connection)
    for name, value in (
        ("lead_source", wanted.source),
        ("region", wanted.region),
        ("pipeline", wanted.pipeline),
    ):
        if value:
            found = found.alias(**{f"{name}_text": KeyTextTransform(name, "values")}).filter(
                **{f"{name}_text": value}
            )
    if wanted.unit:
        found = found.filter(business_unit__key=wanted.unit)
    found = found.filter(_owned(wanted.owner, viewer))
    if wanted.is_open:
        found = found.filter(values__is_closed=False)
    if wanted.stage:
        found = found.filter(Exists(entered(wanted.stage, wanted.period).filter(record=OuterRef("pk"))))
    if wanted.definition:
        found = found.filter(Exists(_judged(wanted, viewer).filter(record=OuterRef("pk"))))
    if wanted.facts is not None:
        found = found.filter(Exists(facts_of(viewer, wanted.facts).filter(record=OuterRef("pk"))))
    return found


def _judged(wanted: Wanted, viewer: Person) -> QuerySet[Judgement]:
    """Judgements by a definition or a trigger; by what must be true to leave a stage where the key has a slash. The
    state is the one that ``viewer`` may read."""
    sections = [PIPELINES] if "/" in wanted.definition else [DEFINITIONS, TRIGGERS]
    told = {"variant": wanted.variant, "exclusion": wanted.exclusion}
    found = Judgement.objects.filter(
        section__in=sections, key=wanted.definition, **{name: value for name, value in told.items() if value}
    )
    return found.filter(judged_as(wanted.state, viewer)) if wanted.state else found


def entered(stage: str, period: Period | None) -> QuerySet[StageEntry]:
    """Entries into a stage: in a period, or those that have not been left."""
    found = StageEntry.objects.filter(stage=stage)
    if period is None:
        return found.filter(left_at=None)
    return found.filter(occurred_at__gte=period.begin, occurred_at__lt=period.end)


def _owned(owner: str, viewer: Person) -> Q:
    if owner == "me":
        return Q(owner=viewer)
    if owner == "none":
        return Q(owner=None)
    if owner == "left":
        return Q(owner__in=Person.objects.filter(is_active=False))
    return Q(owner=int(owner)) if owner.isdecimal() and len(owner) < 10 else Q()


def search(found: QuerySet[Record], objects: Iterable[str], text: str) -> QuerySet[Record]:
    """Narrow by words of the title, the beginning of an e-mail address, or a CRM's own id.

    Where few match, by their ids; where many do, the list's own order finds a page of them soonest."""
    words = text.upper().split()
    if not words:
        return found
    if max(map(len, words)) < SHORTEST_SEARCH:
        return found.none()
    in_title = Q()
    for word in words:
        in_title &= Q(upper_title__contains=word)
    of_objects = Record.objects.filter(object__in=list(objects))
    by_title = of_objects.annotate(upper_title=Upper("title")).filter(in_title).values("pk")
    keyed = Q()
    for is_sandbox in (False, True):
        keyed |= Q(key__startswith=email_key(text, is_sandbox=is_sandbox))
    for name, remote_object in _remote_objects():
        keyed |= Q(key=f"id:{name}:{remote_object}:{text}")
    by_key = LinkKey.objects.filter(keyed).values("record_id")
    ids = list(by_title.order_by().values_list("pk", flat=True)[: FEW_FOUND + 1])
    if len(ids) > FEW_FOUND:
        return found.annotate(upper_title=Upper("title")).filter(in_title)
    ids += by_key.order_by().values_list("record_id", flat=True)[:FEW_FOUND]
    return found.filter(pk__in=ids)


def _remote_objects() -> Sequence[tuple[str, str]]:
    """(connection, remote object) that hold people, deals or accounts; they change with the mappings only."""
    kept: Sequence[tuple[str, str]] | None = cache.get("records:remote-objects")
    if kept is None:
        rows = FieldMapping.objects.filter(field__object__in=OBJECTS).order_by()
        kept = sorted(rows.values_list("connection__name", "remote_object").distinct())
        cache.set("records:remote-objects", kept, SOURCES_SECONDS)
    return kept


def find(viewer: Person, wanted: Wanted) -> QuerySet[Record]:
    """All that is asked for, with what a row shows."""
    found = chosen(viewer, wanted)
    if wanted.search:
        found = search(found, [wanted.object], wanted.search)
    moment = Coalesce("modified_at_remote", "seen_at")
    return found.annotate(changed_at=moment).select_related("owner", "connection")


def find_by_address(viewer: Person, query: str) -> QuerySet[Record]:
    """The records of a list by what stands behind the ? of its address."""
    return find(viewer, read_wanted(QueryDict(query).dict()))


def page_of(viewer: Person, wanted: Wanted, cursor: Cursor | None) -> KeysetPage[Record]:
    return keyset_page(find(viewer, wanted), ORDERS[wanted.sort], cursor, size=PER_PAGE)


# --- what a row shows --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A record in the list. ``stage`` is where the buyer stands by the CRMs, ``check`` its judgement."""

    record: Record
    company: str
    who: str
    stage: StageBody | None
    stage_at: datetime | None
    check_name: str
    check_state: str
    clock: Clock | None
    clock_href: str
    owner_words: str


def rows_of(
    viewer: Person, records: Sequence[Record], stages: Sequence[StageBody], definition: str
) -> list[Row]:
    """Three queries for a page. ``definition``: whose judgement to show; else that of the furthest stage judged."""
    by_key = {stage.key: stage for stage in stages}
    journeys = {r.journey_id for r in records if r.journey_id}
    latest: dict[uuid.UUID, StageEntry] = {}
    for entry in (
        StageEntry.objects.filter(border(business_units_of(viewer), "record__business_unit"))
        .filter(journey_id__in=journeys, stage__in=by_key)
        .order_by("occurred_at", "pk")
        .only("journey_id", "stage", "occurred_at")
    ):
        latest[entry.journey_id] = entry
    checks = _checks(records, stages, definition, viewer)
    clocks: dict[uuid.UUID, Clock] = {}
    for due in (
        Clock.objects.for_person(viewer)
        .filter(journey_id__in=journeys, state__in=Clock.OPEN)
        .exclude(is_measured_only=True)
        .order_by("due_at", "pk")
        .select_related("calendar")
    ):
        clocks.setdefault(due.journey_id, due)
    found = []
    for record in records:
        last = latest.get(record.journey_id) if record.journey_id else None
        clock = clocks.get(record.journey_id) if record.journey_id else None
        name, state = checks.get(record.pk, ("", ""))
        company, who = title_parts(record)
        found.append(
            Row(
                record=record,
                company=company,
                who=who,
                stage=by_key[last.stage] if last is not None else None,
                stage_at=last.occurred_at if last is not None else None,
                check_name=name,
                check_state=state,
                clock=clock,
                clock_href=clock_href(clock.pk) if clock else "",
                owner_words=record.owner.name
                if record.owner
                else ("A queue" if record.values.get("owner") else "Nobody"),
            )
        )
    return found


def owner_words(record: Record) -> str:
    """Who owns it: a person's name, or that it is no person."""
    if record.owner is not None:
        return record.owner.name
    return "A queue" if record.values.get("owner") else "Nobody"


def title_parts(record: Record) -> tuple[str, str]:
    """ "Kestrel Haulage · Mara Velt" -> company and person; any other title stands alone."""
    if record.object != "person":
        return str(record), ""
    company, _, who = record.title.partition(" · ")
    return company or str(record), who


def _checks(
    records: Sequence[Record], stages: Sequence[StageBody], definition: str, viewer: Person
) -> dict[uuid.UUID, tuple[str, str]]:
    """Record -> (short name, state as ``viewer`` may read it)."""
    owners = {record.pk: record.owner for record in records}
    names = {stage.definition: stage.short for stage in stages if stage.definition}
    order = list(names)
    wanted = [definition] if definition else order
    rows = Judgement.objects.filter(
        record_id__in=list(owners), section=DEFINITIONS, key__in=wanted
    ).order_by()
    found: dict[uuid.UUID, tuple[str, str]] = {}
    for record, key, state in sorted(
        rows.values_list("record_id", "key", "state"),
        key=lambda row: order.index(row[1]) if row[1] in order else -1,
    ):
        found[record] = (names.get(key, ""), state_for(viewer, state, owners[record]))
    return found


# --- what can be chosen ------------------------------------------------------------------------------------------


def stages_in_force(model: Model, at: datetime) -> list[StageBody]:
    """In the model's order."""
    found = [stage_body(key, version.body) for key, version in model.in_force(STAGES, at).items()]
    return sorted(found, key=lambda s: (s.order, s.key))


def lead_sources(object_name: str) -> list[str]:
    """The values that occur, by jumping from one to the next in their index; kept for a while."""
    name = f"records:sources:{object_name}"
    kept: list[str] | None = cache.get(name)
    if kept is None:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH RECURSIVE source (text) AS (
                    (SELECT values ->> 'lead_source' FROM records_record
                     WHERE object = %(object)s AND object IN ('person', 'deal', 'account')
                     ORDER BY values ->> 'lead_source' LIMIT 1)
                    UNION ALL
                    SELECT (SELECT r.values ->> 'lead_source' FROM records_record r
                            WHERE r.object = %(object)s AND r.object IN ('person', 'deal', 'account')
                              AND r.values ->> 'lead_source' > source.text
                            ORDER BY r.values ->> 'lead_source' LIMIT 1)
                    FROM source WHERE source.text IS NOT NULL
                )
                SELECT text FROM source WHERE text IS NOT NULL LIMIT 200
                """,
                {"object": object_name},
            )
            kept = [row[0] for row in cursor.fetchall()]
        cache.set(name, kept, SOURCES_SECONDS)
    return kept


def filters_of(
    wanted: Wanted, viewer: Person, model: Model, stages: Sequence[StageBody], connections: Sequence[Connection],
    now: datetime,
) -> list[dict[str, Any]]:  # fmt: skip
    """The choices, as components/filter_bar.html takes them."""
    definitions = model.in_force(DEFINITIONS, now)
    short = {s.definition: s.short for s in stages if s.definition}
    of_object = [s for s in stages if s.claimed_when is None or s.claimed_when.object == wanted.object]
    judged = [
        (key, short.get(key) or str(version.body.get("name") or key))
        for key, version in definitions.items()
        if version.body.get("object") == wanted.object
    ]
    people = [
        (str(pk), name)
        for pk, name in Person.objects.visible_to(viewer)
        .active()
        .order_by("name")
        .values_list("pk", "name")[:300]
    ]
    bars: list[tuple[str, str, str, list[tuple[str, str]]]] = [
        ("stage", "Stage", wanted.stage, [("", "Any stage"), *((s.key, s.short) for s in of_object)]),
        ("definition", "Check", wanted.definition, [("", "Any check"), *judged]),
        (
            "state", "Result", wanted.state,
            [("", "Any result"), ("met", "Passed"), ("missing", "Missing"), ("waived", "Exception granted"),
             ("unknown", "Can't tell")],
        ),
        ("owner", "Owner", wanted.owner, [("", "Anyone"), *OWNERS.items(), *people]),
        (
            "connection", "Read from", wanted.connection,
            [("", "All"), *((c.name, c.label) for c in connections if c.kind != Connection.Kind.GTMOPS)],
        ),
        ("source", "Source", wanted.source, [("", "Any source"), *((s, s) for s in lead_sources(wanted.object))]),
    ]  # fmt: skip
    if wanted.object == "account":
        bars = [bar for bar in bars if bar[0] in {"owner", "connection"}]
    return [
        {"name": name, "label": label, "value": value, "choices": choices}
        for name, label, value, choices in bars
        if len(choices) > 1 and (name != "state" or judged)
    ]


def query_of(wanted: Wanted) -> dict[str, str]:
    """The query that asks for this again, without the page."""
    pairs = {
        "object": wanted.object,
        "q": wanted.search,
        **{
            name: getattr(wanted, name)
            for name in (
                "stage",
                "definition",
                "state",
                "owner",
                "connection",
                "source",
                "region",
                "unit",
                "pipeline",
            )
        },
        "open": "1" if wanted.is_open else "",
        **(wanted.period.query if wanted.period else {}),
        **(wanted.facts.query if wanted.facts else {}),
        "sort": wanted.sort if wanted.sort != "-changed" else "",
    }
    return {name: value for name, value in pairs.items() if value}


def without_narrowing(wanted: Wanted) -> str:
    """The address of the same list without what only links say: facts, period, region, unit, pipeline."""
    return "?" + urlencode(
        query_of(replace(wanted, facts=None, period=None, region="", unit="", pipeline="", is_open=False))
    )
