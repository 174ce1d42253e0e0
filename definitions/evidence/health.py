"""Which conditions earn their keep? How often each one fails, is filled with junk, can't be told or is waived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import connection
from django.db.models import Count

from definitions.bodies import DEFINITIONS, PIPELINES, DefinitionBody, PipelineBody, pipeline_body
from definitions.builder.outcomes import Tried
from definitions.builder.trying import count
from definitions.criteria import Criterion
from definitions.criteria.nodes import conditions_of
from definitions.criteria.targets.english import describe
from definitions.in_force import TypedModel
from definitions.judging.counting import Counts
from definitions.judging.judge import CANT_TELL, Part, parts_of
from definitions.models import Judgement, Version
from records.models import Record
from teams.models import Person

WINDOW: Final = timedelta(days=90)
LEAST_JUDGED: Final = 30
"""With fewer nothing is said: one record would be more than three per cent."""
MOSTLY: Final = 0.5
KEPT_SECONDS: Final = 600
"""Counting all definitions again takes up to 0.3 s each."""

NEVER_FAILS, MOSTLY_FILLER, NEVER_HOLDS, RARELY_KNOWN = (
    "never_fails", "mostly_filler", "never_holds", "rarely_known",
)  # fmt: skip


@dataclass(frozen=True)
class ConditionLine:
    """One condition. Numbers are records or stays in a stage; estimates where the check ``is_sampled``.

    ``failed`` includes those that were let through by an exception (``excepted``)."""

    text: str
    judged: int
    failed: int
    unknown: int
    on_paper: int = 0
    excepted: int = 0
    group: str = ""

    @property
    def flag(self) -> str:
        """never_fails, mostly_filler, never_holds, rarely_known, or '' (also while there are too few)."""
        if self.judged < LEAST_JUDGED:
            return ""
        if self.unknown >= MOSTLY * self.judged:
            return RARELY_KNOWN
        held = self.judged - self.failed - self.unknown
        if held >= LEAST_JUDGED and self.on_paper >= MOSTLY * held:
            return MOSTLY_FILLER
        if not held:
            return NEVER_HOLDS
        return "" if self.failed else NEVER_FAILS

    def share(self, number: int) -> float | None:
        return number / self.judged if self.judged else None

    @property
    def failed_share(self) -> float | None:
        return self.share(self.failed)

    @property
    def on_paper_share(self) -> float | None:
        return self.share(self.on_paper)

    @property
    def unknown_share(self) -> float | None:
        return self.share(self.unknown)


@dataclass(frozen=True)
class CheckHealth:
    """The conditions of one check. ``excepted``: exceptions from it as a whole, where they can't be told apart."""

    section: str
    key: str
    name: str
    object: str
    judged: int
    lines: tuple[ConditionLine, ...]
    excepted: int = 0
    is_sampled: bool = False
    sample_size: int = 0
    is_too_slow: bool = False

    @property
    def has_finding(self) -> bool:
        return any(line.flag for line in self.lines)


# --- leaving a stage -------------------------------------------------------------------------------------------


@dataclass
class _Tally:
    """Of one version of one stage: stays judged, and by condition."""

    judged: int = 0
    failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    excepted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    on_paper: dict[str, int] = field(default_factory=lambda: defaultdict(int))


_LEFT = """
WITH gone AS (
  SELECT p.pipeline, p.stage, p.version_id, p.exit_judgement = 'waived' AS is_waived, p.missing, p.paper
  FROM definitions_passage p JOIN records_record r ON r.id = p.record_id
  WHERE p.left_at >= %(since)s AND p.left_at <= %(now)s AND p.exit_judgement <> '' AND p.version_id IS NOT NULL
    AND (r.business_unit_id IS NULL OR r.business_unit_id = ANY(%(units)s))
)
SELECT pipeline, stage, version_id, 'judged', '', false, count(*) FROM gone GROUP BY 1, 2, 3
UNION ALL
SELECT pipeline, stage, version_id, 'failed', told.text, is_waived, count(*)
FROM gone CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements_text(missing) AS text) told GROUP BY 1, 2, 3, 5, 6
UNION ALL
SELECT pipeline, stage, version_id, 'on_paper', told.path, false, count(*)
FROM gone CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements(paper) ->> 'path' AS path) told GROUP BY 1, 2, 3, 5
"""


def exits_health(viewer: Person, typed: TypedModel, now: datetime) -> list[CheckHealth]:
    """Each exit criterion in force, by the stays that were left in the last 90 days. Three queries.

    A condition counts with the stays judged by a version that had it."""
    tallies = _tallies(viewer, now)
    versions = Version.objects.in_bulk({version for _, _, version in tallies})
    bodies = {pk: pipeline_body(v.key, v.body, typed.catalogue) for pk, v in versions.items()}
    found = []
    for key, version in typed.versions.in_force(PIPELINES, now).items():
        body = pipeline_body(key, version.body, typed.catalogue)
        for stage in body.stages:
            if stage.exit_criterion is None:
                continue
            of_stage = {v: t for (p, s, v), t in tallies.items() if (p, s) == (key, stage.key)}
            lines = tuple(
                _line(part, stage.key, of_stage, bodies) for part in parts_of(stage.exit_criterion, {})
            )
            found.append(
                CheckHealth(
                    PIPELINES,
                    f"{key}/{stage.key}",
                    f"{body.name}: leaving {stage.name}",
                    body.object,
                    sum(t.judged for t in of_stage.values()),
                    lines,
                )
            )
    return found


def _tallies(viewer: Person, now: datetime) -> Mapping[tuple[str, str, int], _Tally]:
    """(pipeline, stage, version) -> what its stays came to."""
    found: dict[tuple[str, str, int], _Tally] = defaultdict(_Tally)
    units = list(viewer.business_units.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, {"since": now - WINDOW, "now": now, "units": units})
        for pipeline, stage, version, what, name, is_waived, number in cursor.fetchall():
            tally = found[pipeline, stage, version]
            if what == "judged":
                tally.judged = number
            elif what == "failed":
                tally.failed[name] += number
                if is_waived:
                    tally.excepted[name] += number
            else:
                tally.on_paper[name] += number
    return found


def _line(
    part: Part, stage: str, tallies: Mapping[int, _Tally], bodies: Mapping[int, PipelineBody]
) -> ConditionLine:
    judged = failed = unknown = on_paper = excepted = 0
    for version, tally in tallies.items():
        same = _same_part(part, stage, bodies.get(version))
        if same is None:
            continue
        judged += tally.judged
        failed += tally.failed.get(part.text, 0)
        unknown += tally.failed.get(f"{part.text} {CANT_TELL}", 0)
        excepted += tally.excepted.get(part.text, 0)
        on_paper += max((tally.on_paper.get(path, 0) for path in same.leaves), default=0)
    return ConditionLine(part.text, judged, failed, unknown, on_paper, excepted)


def _same_part(part: Part, stage: str, body: PipelineBody | None) -> Part | None:
    """The same condition in the version that judged; None where it did not have it."""
    found = next((s for s in body.stages if s.key == stage), None) if body else None
    if found is None or found.exit_criterion is None:
        return None
    return next((p for p in parts_of(found.exit_criterion, {}) if p.text == part.text), None)


# --- definitions -----------------------------------------------------------------------------------------------


def definitions_health(viewer: Person, typed: TypedModel, now: datetime) -> list[CheckHealth]:
    """Each condition of each definition in force, by itself, on the records as they are now; kept for ten minutes."""
    waived = _waived(viewer)
    found = []
    for key, (version, body) in typed.in_force(now).definitions.items():
        tried = _tried(version, body, viewer, now)
        found.append(
            CheckHealth(
                DEFINITIONS,
                key,
                body.name,
                body.object,
                tried.total,
                tuple(_definition_lines(body, tried)),
                excepted=waived.get(key, 0),
                is_sampled=tried.is_sampled,
                sample_size=tried.sample_size,
                is_too_slow=tried.is_too_slow,
            )
        )
    return sorted(found, key=lambda c: c.name)


def _tried(version: int, body: DefinitionBody, viewer: Person, now: datetime) -> Tried:
    units = ",".join(str(pk) for pk in viewer.business_units.order_by("pk").values_list("pk", flat=True))
    name = f"definitions:health:{version}:{units}"
    kept: Tried | None = cache.get(name)
    if kept is None:
        kept = count(body, viewer, now)
        cache.set(name, kept, KEPT_SECONDS)
    return kept


def _waived(viewer: Person) -> Mapping[str, int]:
    inside = Record.objects.for_person(viewer).present()
    rows = Judgement.objects.filter(section=DEFINITIONS, state="waived", record__in=inside).order_by()
    return dict(rows.values("key").annotate(n=Count("pk")).values_list("key", "n"))


def _definition_lines(body: DefinitionBody, tried: Tried) -> Iterable[ConditionLine]:
    if body.variants:
        for variant in body.variants:
            yield from _criterion_lines(variant.criterion, tried.leaves, variant.name)
    else:
        yield from _criterion_lines(body.criterion, tried.leaves, "")


def _criterion_lines(
    criterion: Criterion | None, leaves: Mapping[str, Counts], group: str
) -> Iterable[ConditionLine]:
    if criterion is None:
        return
    for condition in conditions_of(criterion.root):
        counts = leaves.get(condition.path)
        if counts is not None:
            text = describe(condition)
            yield ConditionLine(text, counts.total, counts.missing, counts.unknown, group=group)


def findings(checks: Sequence[CheckHealth]) -> int:
    """How many conditions have one."""
    return sum(bool(line.flag) for check in checks for line in check.lines)
