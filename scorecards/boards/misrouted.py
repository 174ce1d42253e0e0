"""Which leads went to the wrong person first (S15)?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Count

from scorecards.boards.frame import TOO_FEW, Frame
from scorecards.facts import FactSet, facts_of
from scorecards.keyset import KeysetPage, Order, keyset_page, read_cursor
from scorecards.metrics import MISROUTED
from scorecards.metrics.misrouted import MOVED, WRONG_REGION, WRONG_TEAM, WRONG_UNIT
from scorecards.models import MetricFact

WHYS = (WRONG_TEAM, WRONG_UNIT, WRONG_REGION, MOVED)
BY_ANCHOR = Order("anchor_at", is_descending=True)
PER_PAGE = 50


@dataclass(frozen=True)
class Why:
    code: str
    n: int
    href: str
    is_here: bool


@dataclass(frozen=True)
class Row:
    fact: MetricFact
    why: str
    team: str
    moves: int


@dataclass(frozen=True)
class Page:
    n: int
    misrouted: int
    whys: list[Why]
    rows: list[Row]
    page: KeysetPage[MetricFact]
    facts: FactSet

    @property
    def share(self) -> float | None:
        return self.misrouted / self.n if self.n >= TOO_FEW else None

    @property
    def misrouted_href(self) -> str:
        return replace(self.facts, value="1").href


def load(frame: Frame, cursor: str | None) -> Page:
    """Two queries beside names."""
    asked = frame.asked
    wanted = asked.without("tier", "party", "reason").facts(MISROUTED.key)
    rows = facts_of(frame.viewer, wanted).order_by().values_list("slice").annotate(n=Count("pk"))
    counts = dict(rows)
    whys = [
        Why(code, counts.get(code, 0), replace(wanted, slice=code).href, asked.show == code) for code in WHYS
    ]
    misrouted = sum(why.n for why in whys)
    shown = replace(wanted, value="1", slice=asked.show if asked.show in WHYS else "")
    facts = facts_of(frame.viewer, shown).select_related("record")
    number = counts.get(shown.slice, 0) if shown.slice else misrouted
    page = keyset_page(facts, BY_ANCHOR, read_cursor(cursor, BY_ANCHOR), size=PER_PAGE, count=(number, False))
    return Page(
        sum(counts.values()), misrouted, whys, [_row(frame, fact) for fact in page.rows], page, wanted
    )


def _row(frame: Frame, fact: MetricFact) -> Row:
    told: Mapping[str, Any] = fact.dimensions
    team = str(told.get("team") or "")
    return Row(
        fact, str(told.get("why")), frame.teams.get(team, team or "No team"), int(told.get("moves") or 0)
    )


def export(frame: Frame) -> tuple[list[str], Iterator[list[Any]]]:
    """All of them, streamed."""
    asked = frame.asked
    wanted = replace(asked.without("tier", "party", "reason").facts(MISROUTED.key), value="1")
    if asked.show in WHYS:
        wanted = replace(wanted, slice=asked.show)
    facts = facts_of(frame.viewer, wanted).select_related("record").order_by("-anchor_at", "-pk")
    rows = (
        [fact.record.title, fact.anchor_at, row.why, row.team, row.moves]
        for fact in facts.iterator(chunk_size=1000)
        for row in [_row(frame, fact)]
    )
    return ["Buyer", "Started", "Why", "First given to", "Changes of owner"], rows
