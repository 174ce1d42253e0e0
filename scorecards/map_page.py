"""Where leads get stuck: the numbers of the map, counted in SQL and bounded by the period."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import connection
from django.db.models import Count as CountOf
from django.urls import reverse

from definitions.bodies import StageBody
from definitions.versions import Model, load_model
from records.models import OwnerMatch, Record
from scorecards.facts import Count, FactSet, facts_of, rollups
from scorecards.links import address
from scorecards.map_layout import lay_out
from scorecards.map_shapes import Arrow, Lane, MapLayout, Share, Stage
from scorecards.metrics import IN_TIME, LEFT_ALONE
from scorecards.metrics.in_time import IN_TIME_STATES, LATE_STATES
from scorecards.periods import Period
from scorecards.record_list import stages_in_force
from slas.durations import duration_words
from slas.models import Clock
from slas.rules import Rule, RuleError, parse_rule
from teams.models import Person, Team

KEEP_SECONDS = 30
TOO_FEW = 10
TARGET = 0.9
"""Share in time that an arrow is coloured against, until teams set their own."""

TONES = {
    "marketing": "sky", "product": "violet", "sdr": "amber", "sales": "green", "cs": "pink", "revops": "indigo",
}  # fmt: skip


@dataclass(frozen=True)
class MapFilter:
    """``unit`` and ``pipeline`` and ``region`` are values as records have them; '' is all."""

    period: Period
    unit: str = ""
    region: str = ""
    pipeline: str = ""

    @property
    def narrowing(self) -> dict[str, str]:
        return {"unit": self.unit, "region": self.region, "pipeline": self.pipeline}


@dataclass(frozen=True)
class RuleNumbers:
    """Clocks of one rule that started in the period."""

    in_time: int = 0
    late: int = 0
    waiting: int = 0
    median_seconds: int | None = None
    held: Mapping[str, int] | None = None

    @property
    def share(self) -> float | None:
        done = self.in_time + self.late
        return self.in_time / done if done else None


@dataclass(frozen=True)
class MapNumbers:
    """All that SQL says: entries by stage, moves between stages, clocks by rule."""

    entered: Mapping[str, int]
    moved: Mapping[tuple[str, str], int]
    rules: Mapping[str, RuleNumbers]


@dataclass(frozen=True)
class Finding:
    """One sentence with its number, where it leads, and how much work the cure is."""

    sentence: str
    detail: str
    href: str
    action: str
    effort: str
    severity: str = "late"
    also: tuple[tuple[str, str], ...] = ()

    @property
    def effort_words(self) -> str:
        return f"Takes {self.effort}"


def load_map(units: Sequence[int], chosen: MapFilter, now: datetime) -> MapLayout | None:
    """The map as placed shapes, of the business units with these ids and of records without one; None while the model
    has no stages."""
    model = load_model()
    # A stage that no CRM claims never holds anybody: it would cut the way between its neighbours.
    stages = [stage for stage in stages_in_force(model, now) if stage.claimed_when is not None]
    if not stages:
        return None
    numbers = load_numbers(sorted(units), chosen, stages)
    teams = {team.key: team for team in Team.objects.all()}
    return lay_out(*picture(stages, rules_in_force(model, now), numbers, teams, chosen))


def rules_in_force(model: Model, at: datetime) -> list[Rule]:
    """Rules that can be read, by key."""
    found = []
    for key, version in sorted(model.in_force("sla_rules", at).items()):
        try:
            found.append(parse_rule(key, version.body))
        except RuleError:
            continue  # the model's own page says what is wrong with it
    return found


# --- counting ------------------------------------------------------------------------------------------------------


def load_numbers(units: list[int], chosen: MapFilter, stages: Sequence[StageBody]) -> MapNumbers:
    """Three statements, kept for half a minute for everyone with the same border."""
    asked = [units, chosen.period.query, chosen.narrowing, [(s.key, s.order) for s in stages]]
    name = "map:" + hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:40]
    kept: MapNumbers | None = cache.get(name)
    if kept is None:
        kept = MapNumbers(_entered(units, chosen), _moved(units, chosen, stages), _rules(units, chosen))
        cache.set(name, kept, KEEP_SECONDS)
    return kept


def _where(units: list[int], chosen: MapFilter) -> tuple[str, dict[str, Any]]:
    """The border and the narrowing as a condition on ``r``, a record."""
    parts = ["(r.business_unit_id IS NULL OR r.business_unit_id = ANY(%(units)s))"]
    parts.append("r.deleted_at IS NULL AND r.merged_into_id IS NULL")
    if chosen.unit:
        parts.append("r.business_unit_id = (SELECT id FROM teams_businessunit WHERE key = %(unit)s)")
    if chosen.region:
        parts.append("r.values ->> 'region' = %(region)s")
    if chosen.pipeline:
        # People stand in no pipeline: it narrows the deals.
        parts.append("(r.object <> 'deal' OR r.values ->> 'pipeline' = %(pipeline)s)")
    params = {
        "units": units, "begin": chosen.period.begin, "end": chosen.period.end, **chosen.narrowing,
    }  # fmt: skip
    return " AND ".join(parts), params


def _entered(units: list[int], chosen: MapFilter) -> dict[str, int]:
    """Stage -> records that entered it in the period."""
    where, params = _where(units, chosen)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.stage, count(DISTINCT e.record_id) FROM definitions_stageentry e "  # noqa: S608 (all of it ours)
            "JOIN records_record r ON r.id = e.record_id "
            f"WHERE e.occurred_at >= %(begin)s AND e.occurred_at < %(end)s AND {where} GROUP BY 1",
            params,
        )
        return dict(cursor.fetchall())


def _moved(units: list[int], chosen: MapFilter, stages: Sequence[StageBody]) -> dict[tuple[str, str], int]:
    """(from, to) -> entries into the later stage that came from the earlier one: the last lower one before it."""
    where, params = _where(units, chosen)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH stage (key, place) AS (SELECT * FROM unnest(%(keys)s::text[], %(places)s::int[]))
            SELECT before.stage, e.stage, count(DISTINCT (e.journey_id, e.pass_number))
            FROM definitions_stageentry e
            JOIN stage s ON s.key = e.stage
            JOIN records_record r ON r.id = e.record_id
            CROSS JOIN LATERAL (
                SELECT b.stage FROM definitions_stageentry b JOIN stage t ON t.key = b.stage
                WHERE b.journey_id = e.journey_id AND b.occurred_at <= e.occurred_at AND t.place < s.place
                ORDER BY b.occurred_at DESC, t.place DESC LIMIT 1
            ) before
            WHERE e.occurred_at >= %(begin)s AND e.occurred_at < %(end)s AND {where}
            GROUP BY 1, 2
            """,  # noqa: S608 (all of it ours)
            {**params, "keys": [s.key for s in stages], "places": list(range(len(stages)))},
        )
        return {(start, end): number for start, end, number in cursor.fetchall()}


def _rules(units: list[int], chosen: MapFilter) -> dict[str, RuleNumbers]:
    where, params = _where(units, chosen)
    scope = (
        "FROM slas_clock c JOIN records_record r ON r.id = c.record_id "
        f"WHERE c.started_at >= %(begin)s AND c.started_at < %(end)s AND {where}"
    )
    params |= {
        "in_time": sorted(IN_TIME_STATES), "late": sorted(LATE_STATES), "open": [str(s) for s in Clock.OPEN],
    }  # fmt: skip
    each_segment = "CROSS JOIN LATERAL jsonb_array_elements(c.segments) seg WHERE"
    held: dict[str, dict[str, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.rule_key, seg ->> 'party', sum((seg ->> 'seconds')::bigint) "
            f"{scope.replace('WHERE', each_segment, 1)} GROUP BY 1, 2",
            params,
        )
        for rule, party, seconds in cursor.fetchall():
            held[rule][party] = int(seconds)
        cursor.execute(
            "SELECT c.rule_key, count(*) FILTER (WHERE c.state = ANY(%(in_time)s)), "  # noqa: S608 (all of it ours)
            "count(*) FILTER (WHERE c.state = ANY(%(late)s)), count(*) FILTER (WHERE c.state = ANY(%(open)s)), "
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.stopped_at - c.started_at)) "
            "FILTER (WHERE c.stopped_at IS NOT NULL AND c.state <> 'cancelled') "
            f"{scope} GROUP BY 1",
            params,
        )
        return {
            rule: RuleNumbers(in_time, late, waiting, None if median is None else int(median), held[rule])
            for rule, in_time, late, waiting, median in cursor.fetchall()
        }


# --- from numbers to the picture -----------------------------------------------------------------------------------


def picture(
    stages: Sequence[StageBody],
    rules: Sequence[Rule],
    numbers: MapNumbers,
    teams: Mapping[str, Team],
    chosen: MapFilter,
) -> tuple[list[Lane], list[Stage], list[Arrow]]:
    """Lanes, stages and arrows as the layout takes them."""
    owners = list(dict.fromkeys(stage.owner for stage in stages))
    lanes = [Lane(key, teams[key].name if key in teams else key, _tone(key, teams)) for key in owners]
    placed = [
        Stage(
            stage.key, stage.name, stage.owner, place, numbers.entered.get(stage.key, 0),
            sub="came in", href=_stage_href(stage, chosen),
        )
        for place, stage in enumerate(stages)
    ]  # fmt: skip
    by_key = {stage.key: stage for stage in stages}
    moved = {pair: n for pair, n in numbers.moved.items() if _is_shown(pair, n, stages, numbers)}
    arrows = []
    for (start, end), volume in sorted(moved.items()):
        sides = (by_key[start].owner, by_key[end].owner)
        arrow = Arrow(start, end, volume, href=_moved_href(by_key[end], chosen))
        if sides[0] != sides[1]:
            rule = _rule_of(rules, sides, start)
            arrow = (
                _timed(arrow, rule, numbers, teams, chosen)
                if rule
                else replace(arrow, too_few=volume < TOO_FEW)
            )
        arrows.append(arrow)
    return lanes, placed, arrows


def _is_shown(pair: tuple[str, str], number: int, stages: Sequence[StageBody], numbers: MapNumbers) -> bool:
    """Steps to the next stage always; a leap over stages only when it is more than a few of those that came."""
    keys = [s.key for s in stages]
    if keys.index(pair[1]) == keys.index(pair[0]) + 1:
        return True
    return number >= TOO_FEW and number * 20 >= numbers.entered.get(pair[1], 0)


def _rule_of(rules: Sequence[Rule], sides: tuple[str, str], start: str) -> Rule | None:
    """The rule of a handoff between two teams: what people do goes before routing, and one time for everybody before
    tiers and rules for some; of several the last one, which asks most."""
    found = [
        r
        for r in rules
        if (r.from_team, r.to_team) == sides and (r.start[0] != "stage_entered" or r.start[1] == start)
    ]
    acts = [r for r in found if r.stop[0] != "owner_in_team"]
    plain = [r for r in acts if len(r.targets) == 1 and r.where is None]
    return (plain or acts or found)[-1] if found else None


def _timed(
    arrow: Arrow, rule: Rule, numbers: MapNumbers, teams: Mapping[str, Team], chosen: MapFilter
) -> Arrow:
    told = numbers.rules.get(rule.key, RuleNumbers())
    done = told.in_time + told.late
    return replace(
        arrow,
        in_time_share=told.share if done >= TOO_FEW else None,
        target=TARGET,
        late=told.late,
        waiting=told.waiting,
        median_seconds=told.median_seconds,
        held=_shares(rule, told.held or {}, teams),
        href=_clocks_href(rule.key, chosen) or arrow.href,
        promise=_promise(rule),
        too_few=arrow.volume < TOO_FEW,
        note="too few timed to say",
    )


def _promise(rule: Rule) -> str:
    if rule.target.kind == "before":
        return f"before the {rule.target.event}"
    if rule.target.kind == "business_days":
        return rule.target.words.replace("within", "in", 1)
    return f"in {duration_words(rule.target.seconds)}"


def _shares(rule: Rule, held: Mapping[str, int], teams: Mapping[str, Team]) -> tuple[Share, ...]:
    def name(key: str) -> str:
        return teams[key].name if key in teams else key

    parties = {
        "system": ("Nobody or a queue", "slate"),
        "sender": (name(rule.from_team), _tone(rule.from_team, teams)),
        "receiver": (name(rule.to_team), _tone(rule.to_team, teams)),
        "customer": ("Customer", "indigo"),
        "closed": ("Closed hours", "closed"),
    }
    return tuple(
        Share(label, tone, held[party]) for party, (label, tone) in parties.items() if held.get(party)
    )


def _tone(key: str, teams: Mapping[str, Team]) -> str:
    return TONES.get(teams[key].purpose if key in teams else key, "slate")


def _stage_href(stage: StageBody, chosen: MapFilter) -> str:
    query = {
        "object": stage.claimed_when.object if stage.claimed_when else "person",
        "stage": stage.key,
        **chosen.period.query,
        **chosen.narrowing,
    }
    return f"{reverse('records:list')}?{urlencode({k: v for k, v in query.items() if v})}"


def _moved_href(stage: StageBody, chosen: MapFilter) -> str:
    return _stage_href(stage, chosen)


def _clocks_href(rule: str, chosen: MapFilter) -> str:
    """The clocks behind a chip; '' where their list can't be narrowed as the map is."""
    if chosen.region or chosen.pipeline:
        return ""
    if chosen.unit:
        days = Period(chosen.period.first, chosen.period.last)
        return FactSet(IN_TIME.key, days, slice=rule, unit=chosen.unit).href
    bounds = {"since": chosen.period.begin.isoformat(), "until": chosen.period.end.isoformat()}
    return address("slas:clocks", rule=rule, **bounds)


# --- findings ------------------------------------------------------------------------------------------------------


def load_findings(viewer: Person, chosen: MapFilter) -> list[Finding]:
    """What can be said without any set-up, worst first; at most three queries and one per finding shown."""
    return [*_left_alone(viewer, chosen), *_owned_by_leavers(viewer, chosen)]


def _left_alone(viewer: Person, chosen: MapFilter) -> list[Finding]:
    wanted = FactSet(LEFT_ALONE.key, chosen.period, unit=chosen.unit)
    if chosen.region:
        counts: dict[str, Count] = defaultdict(Count)
        rows = facts_of(viewer, wanted).filter(dimensions__region=chosen.region).values_list("slice", "value")
        for holder, value, n in rows.annotate(n=CountOf("pk")).order_by():
            counts[holder] += Count(n, n if value else 0)
    else:
        told = rollups(viewer, chosen.period, chosen.unit).filter(metric=LEFT_ALONE.key)
        counts = defaultdict(Count)
        for holder, n, total in told.values_list("slice", "count", "total"):
            counts[holder] += Count(n, int(total))
    queues = set(OwnerMatch.objects.filter(kind=OwnerMatch.Kind.QUEUE).values_list("name", flat=True))
    found = []
    for holder, count in sorted(counts.items(), key=lambda item: (-item[1].yes, -item[1].n)):
        if count.n < TOO_FEW or not count.yes:
            continue
        here = replace(wanted, slice=holder)
        found.append(
            Finding(
                f"{count.n:,} MQLs {_place_words(holder, queues)}; {count.yes:,} were never touched.",
                "No person owned them when routing was due, so nobody was told.",
                replace(here, value="1").records_href,
                f"Show the {count.yes:,}",
                "weeks",
                also=((f"All {count.n:,}", here.records_href), ("Where does this number come from?", here.href)),
            )
        )  # fmt: skip
    return found[:3]


def _place_words(holder: str, queues: set[str]) -> str:
    if holder == "Nobody":
        return "had no owner"
    if holder in queues:
        return f"waited in {holder}"
    return f"were left with {holder}, where no person works"


def _owned_by_leavers(viewer: Person, chosen: MapFilter) -> list[Finding]:
    """Open deals whose owner has left."""
    found = (
        Record.objects.for_person(viewer)
        .present()
        .filter(object="deal", owner__is_active=False, values__is_closed=False)
    )
    if chosen.unit:
        found = found.filter(business_unit__key=chosen.unit)
    if chosen.region:
        found = found.filter(values__region=chosen.region)
    if chosen.pipeline:
        found = found.filter(values__pipeline=chosen.pipeline)
    number = found.count()
    if not number:
        return []
    query = {"object": "deal", "owner": "left", "open": "1", **chosen.narrowing}
    return [
        Finding(
            f"{number:,} open deal{'s' if number > 1 else ''} belong{'' if number > 1 else 's'} to someone who left.",
            "Whatever is due on them reaches nobody.",
            f"{reverse('records:list')}?{urlencode({k: v for k, v in query.items() if v})}",
            f"Show the {number:,}",
            "weeks",
            "soon",
        )
    ]
