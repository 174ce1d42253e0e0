"""The check of the whole model, its nightly run, and what it found."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from definitions.bodies import PIPELINES, STAGES
from definitions.criteria import Criterion, CriterionError, parse
from definitions.criteria.reasoning import Verdict, decide
from definitions.lint import data, reach, schema
from definitions.lint.schema import Live, LiveField
from definitions.models import ModelCheck, Remark
from definitions.sections import Body, Context, Fault, Place, sections
from records.models import Connection, FieldMapping, SchemaField

log = logging.getLogger(__name__)
_LOCK = 0x6C696E74  # one check at a time
MOST_REMARKS = 2_000


# --- checking --------------------------------------------------------------------------------------------------


def live_remarks(
    bodies: Mapping[str, Mapping[str, Body]], context: Context, now: datetime
) -> Iterator[tuple[str, str, Fault]]:
    """(section, key, remark) for everything in ``bodies`` that parses: against the CRMs' schema, the data, itself."""
    live = load_live()
    looker = _Looker(now)
    for name, items in bodies.items():
        section = sections().get(name)
        if section is None:
            continue
        for key, body in items.items():
            for fault in schema.named_faults(section.named(body), live, now):
                yield name, key, fault
            for place in section.places(body):
                criterion = _built(place, context)
                if criterion is None:
                    continue
                for fault in (
                    *schema.leaf_faults(place, criterion, live),
                    *looker.rarely_filled(place, criterion),
                    *looker.one_sided(place, criterion),
                ):
                    yield name, key, fault
            if name == PIPELINES:
                for fault in reach.pipeline_faults(body):
                    yield name, key, fault
    for key, fault in reach.lifecycle_faults(bodies.get(STAGES, {})):
        yield STAGES, key, fault


def load_live() -> Live:
    """Every mapped field with what its CRM last said of it. Three queries."""
    described = {(row.connection_id, row.remote_object, row.name): row for row in SchemaField.objects.all()}
    crms = dict(Connection.objects.values_list("name", "label"))
    found: dict[tuple[str, str], list[LiveField]] = defaultdict(list)
    for mapping in FieldMapping.objects.select_related("field", "connection").order_by("pk"):
        row = described.get((mapping.connection_id, mapping.remote_object, mapping.remote_name))
        found[mapping.field.object, mapping.field.name].append(
            LiveField(
                mapping.connection.name,
                mapping.connection.label,
                mapping.remote_object,
                mapping.remote_name,
                row.label if row else mapping.field.label,
                tuple(row.options) if row else (),
                mapping.value_map,
                not mapping.is_broken and (row is None or row.gone_at is None),
                row.changed_at if row else None,
                tuple((row.before or {}).get("options", ())) if row else (),
            )
        )
    return Live(found, crms)


def _built(place: Place, context: Context) -> Criterion | None:
    """None for a tree that can't be built: its faults are told by the section's own parse."""
    try:
        return parse(place.tree, context.catalogue, object=place.object)
    except CriterionError:
        return None


class _Looker:
    """Looks into the data, once for what several conditions ask."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._filled: dict[tuple[str, tuple[str, ...], str], data.Filled] = {}

    def rarely_filled(self, place: Place, criterion: Criterion) -> Iterator[Fault]:
        wanted = {name for name in criterion.fields() if (*self._of(place), name) not in self._filled}
        for name, filled in data.fill_rates(place.object, place.connections, wanted).items():
            self._filled[(*self._of(place), name)] = filled
        for name in sorted(criterion.fields()):
            seen = self._filled.get((*self._of(place), name))
            if seen is not None and seen.n >= data.FEW and seen.share < data.RARELY:
                text = f"hardly anybody fills {name}: {seen.filled:,} of {seen.n:,} records have it ({seen.share:.1%})"
                yield Fault(place.path, "rarely_filled", text)

    def one_sided(self, place: Place, criterion: Criterion) -> Iterator[Fault]:
        """Decided from the conditions where they allow it, else looked at on a sample; the text says which."""
        verdict = decide(criterion)
        if verdict is Verdict.NEVER:
            yield Fault(
                place.path, "contradiction", "these conditions contradict each other: nothing can meet them"
            )
            return
        if verdict is Verdict.ALWAYS:
            yield Fault(place.path, "always_true", "these conditions are always met: they decide nothing")
            return
        seen = data.truths(criterion, place.connections, self.now)
        if seen.n < data.FEW:
            return
        of = f"of a sample of {seen.n:,} records" if seen.is_sample else f"of {seen.n:,} records"
        if seen.met == 0 and seen.missing:
            yield Fault(place.path, "none_meet", f"none {of} meets it now (counted, not proved)")
        if seen.met == seen.n:
            yield Fault(place.path, "all_meet", f"every one {of} meets it now (counted, not proved)")

    def _of(self, place: Place) -> tuple[str, tuple[str, ...]]:
        return place.object, place.connections


# --- every night -----------------------------------------------------------------------------------------------


def check_due(now: datetime) -> int:
    """Check the model in force when the last check is a day old. Returns checks made (0 or 1)."""
    if (next_check(now) or now) > now:
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return 0
        check_now(now)
    return 1


def next_check(now: datetime) -> datetime | None:
    last = ModelCheck.objects.filter(ended_at__isnull=False).order_by("-started_at").first()
    return now if last is None else last.started_at + timedelta(seconds=settings.GTMOPS.model_check_seconds)


def check_now(now: datetime) -> ModelCheck:
    """Check the model in force and remember the remarks: fresh ones begin now, those that no longer hold are gone."""
    from definitions.files.model_files import (
        ModelTree,
        check,
        context_from_db,
    )  # which asks for live_remarks itself

    with transaction.atomic():
        this = ModelCheck.objects.create(started_at=now)
        context = context_from_db(ModelTree({}), now)
        tree = ModelTree({name: dict(items) for name, items in context.bodies.items()})
        checked = check(tree, now, against_crms=True)
        wanted = {
            (f.section, f.key, f.code, tuple(map(str, f.path))): f
            for f in (*checked.faults, *checked.remarks)[:MOST_REMARKS]
        }
        held = {(r.section, r.key, r.code, tuple(r.path)): r for r in Remark.objects.all()}
        fresh = [
            Remark(
                section=section,
                key=key,
                code=code,
                path=list(path),
                text=fault.text,
                first_seen_at=now,
                seen_at=now,
            )
            for (section, key, code, path), fault in wanted.items()
            if (section, key, code, path) not in held
        ]
        Remark.objects.filter(pk__in=[row.pk for name, row in held.items() if name not in wanted]).delete()
        still = [(row, wanted[name]) for name, row in held.items() if name in wanted]
        for row, fault in still:
            row.text, row.seen_at = fault.text, now
        Remark.objects.bulk_update([row for row, _ in still], ["text", "seen_at"])
        Remark.objects.bulk_create(fresh)
        this.ended_at, this.found, this.fresh = now, len(wanted), len(fresh)
        this.save()
        ModelCheck.objects.filter(started_at__lt=now - timedelta(days=90)).delete()
    return this
