"""The black hole (S13, S14): what goes in and does not come out, and what was touched once and left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Q, Value

from records.models import OwnerMatch
from scorecards.boards.frame import SEGMENT_LABELS, Frame
from scorecards.facts import FEW, NOTHING, OPEN, FactSet, facts_of, few_touches, text_of
from scorecards.metrics import LEFT_ALONE, MQL_TO_SQL
from scorecards.metrics.first_touch import NEVER
from scorecards.percentiles import Percentile
from slas.durations import duration_words

BY = ("queue", "owner", "team", "lead_origin", "lead_source", "region", "size")
UNWATCHED_AFTER = timedelta(days=7)
"""A queue with leads in it that nobody has taken one out of for so long is watched by nobody."""
NOBODY = "Nobody"


@dataclass(frozen=True)
class QueueLine:
    """Leads that a queue, or nobody, had when routing was due. ``out``: those a person owns since."""

    holder: str
    is_queue: bool
    n: int
    out: int
    never: int
    median: float | None
    last_out_at: datetime | None
    is_unwatched: bool
    facts: FactSet
    members: tuple[tuple[str, bool], ...] | None = None
    """(name, whether they still work there) of who takes from it; None where the CRM does not tell."""

    @property
    def waiting(self) -> int:
        return self.n - self.out

    @property
    def watch_words(self) -> str:
        return watch_words(self.members)

    @property
    def never_href(self) -> str:
        return replace(self.facts, value="1").href

    @property
    def out_href(self) -> str:
        return replace(self.facts, took="0-").href

    @property
    def waiting_href(self) -> str:
        return replace(self.facts, took=OPEN).href

    @property
    def place(self) -> str:
        if self.holder == NOBODY:
            return "had no owner"
        return (
            f"waited in {self.holder}"
            if self.is_queue
            else f"were left with {self.holder}, who is no person here"
        )

    @property
    def sentence(self) -> str:
        """ "143 leads waited in Inbound EMEA queue: median 19 h to an owner, 61 never touched."."""
        leads = "1 lead" if self.n == 1 else f"{self.n:,} leads"
        median = (
            "nobody owns one yet" if self.median is None else f"median {hours_words(self.median)} to an owner"
        )
        return f"{leads} {self.place}: {median}, {self.never:,} never touched."


@dataclass(frozen=True)
class FlowLine:
    """MQLs that went in, and what came out."""

    label: str
    n: int
    touched: int
    yes: int
    never: int
    abandoned: int
    few: str
    facts: FactSet

    @property
    def touched_href(self) -> str:
        return replace(self.facts, took="0-").href

    @property
    def yes_href(self) -> str:
        return replace(self.facts, value="1").href

    @property
    def never_href(self) -> str:
        return replace(self.facts, took=NEVER).href

    @property
    def abandoned_href(self) -> str:
        return replace(self.facts, took=self.few).href


@dataclass(frozen=True)
class Page:
    by: str
    by_label: str
    queues: list[QueueLine]
    flows: list[FlowLine]
    total: FlowLine
    abandoned_sentence: str
    hidden_people: int

    @property
    def unwatched(self) -> list[QueueLine]:
        return [line for line in self.queues if line.is_unwatched]


def watch_words(members: tuple[tuple[str, bool], ...] | None) -> str:
    """Who should have watched a queue: "Silas Kerbridge and Femke Dijkwater take from it, and both have left."."""
    if members is None:
        return "Nobody has taken one out lately. Check who reads it: its members may have left."
    if not members:
        return "It has no members in the CRM: nobody can take one out."
    names = [name for name, _ in members]
    told = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    takes = "takes" if len(names) == 1 else "take"
    here = [name for name, is_active in members if is_active]
    if not here:
        left = {1: "and has left", 2: "and both have left"}.get(len(names), "and all have left")
        return f"{told} {takes} from it, {left}."
    if len(here) < len(names):
        still = "still works" if len(here) == 1 else "still work"
        return f"{told} {takes} from it; only {', '.join(here)} {still} there."
    return f"{told} {takes} from it, and took none out lately."


def hours_words(seconds: float) -> str:
    """Whole hours from two hours on, as people say it."""
    return f"{round(seconds / 3600)} h" if seconds >= 7200 else duration_words(int(seconds))


def load(frame: Frame) -> Page:
    """Five queries beside names."""
    asked = frame.asked
    by = asked.by if asked.by in BY else "queue"
    few = f"{FEW}{asked.touches}"
    flows, total, hidden = _flows(frame, by if by != "queue" else "lead_origin", few)
    return Page(
        by=by,
        by_label="Queue" if by == "queue" else SEGMENT_LABELS[by],
        queues=_queues(frame),
        flows=flows,
        total=total,
        abandoned_sentence=(
            f"{total.abandoned:,} were touched fewer than {asked.touches} times in the working days they had, "
            "and nothing came of them."
        ),
        hidden_people=hidden,
    )


def _queues(frame: Frame) -> list[QueueLine]:
    asked = frame.asked
    queues = queue_members()
    wanted = asked.without("team", "tier", "party", "reason").facts(LEFT_ALONE.key)
    took = ExpressionWrapper(F("seconds") * Value(timedelta(seconds=1)), output_field=DurationField())
    rows = (
        facts_of(frame.viewer, wanted)
        .order_by()
        .values("slice")
        .annotate(
            n=Count("pk"),
            out=Count("pk", filter=Q(seconds__isnull=False)),
            never=Count("pk", filter=Q(value=1)),
            median=Percentile("seconds", 0.5),
            last_out_at=Max(F("anchor_at") + took),
        )
    )
    found = [
        QueueLine(
            holder=row["slice"] or NOBODY,
            is_queue=row["slice"] in queues,
            n=row["n"],
            out=row["out"],
            never=row["never"],
            median=row["median"],
            last_out_at=row["last_out_at"],
            is_unwatched=row["slice"] in queues
            and row["n"] > row["out"]
            and (
                _nobody_is_left(queues[row["slice"]])
                or row["last_out_at"] is None
                or row["last_out_at"] < frame.now - UNWATCHED_AFTER
            ),
            facts=replace(wanted, slice=row["slice"]),
            members=queues.get(row["slice"]),
        )
        for row in rows
    ]
    return sorted(found, key=lambda line: (-line.never, -line.n, line.holder))


def queue_members() -> dict[str, tuple[tuple[str, bool], ...] | None]:
    """Queue's name -> its members, None where no CRM tells. Two queries."""
    queues = list(OwnerMatch.objects.filter(kind=OwnerMatch.Kind.QUEUE).order_by("pk"))
    wanted = {one for queue in queues for one in queue.members or ()}
    known = {
        (row.connection_id, row.remote_id): row for row in OwnerMatch.objects.filter(remote_id__in=wanted)
    }
    found: dict[str, tuple[tuple[str, bool], ...] | None] = {}
    for queue in queues:
        rows = [known.get((queue.connection_id, one)) for one in queue.members or ()]
        told = tuple((row.name, row.is_active) for row in rows if row is not None)
        found[queue.name] = None if queue.members is None else told
    return found


def _nobody_is_left(members: tuple[tuple[str, bool], ...] | None) -> bool:
    return members is not None and not any(is_active for _, is_active in members)


def _flows(frame: Frame, by: str, few: str) -> tuple[list[FlowLine], FlowLine, int]:
    asked = frame.asked
    wanted = asked.without("tier", "party", "reason").facts(MQL_TO_SQL.key)
    counts: dict[str, Any] = {
        "n": Count("pk"),
        "touched": Count("pk", filter=Q(seconds__isnull=False)),
        "yes": Count("pk", filter=Q(value=1)),
        "never": Count("pk", filter=Q(seconds=None, dimensions__touch=NEVER)),
        "abandoned": Count("pk", filter=few_touches(asked.touches)),
    }
    facts = facts_of(frame.viewer, wanted).order_by()
    counted = facts.annotate(label=text_of(by)).values("label").annotate(**counts)
    rows: list[dict[str, Any]] = list(counted)  # type: ignore[arg-type]  # the columns are named at run time
    total = FlowLine("All", **facts.aggregate(**counts), few=few, facts=wanted)
    hidden = 0
    if by == "owner":
        shown = [row for row in rows if not row["label"] or frame.figures.may_see(row["label"])]
        hidden = len(rows) - len(shown)
        rows = shown
    lines = []
    for row in sorted(rows, key=lambda row: (-(row["never"] + row["abandoned"]), -row["n"], row["label"])):
        name = row.pop("label")
        where = tuple((dict(wanted.where) | {by: name or NOTHING}).items())
        lines.append(FlowLine(frame.label(by, name), **row, few=few, facts=replace(wanted, where=where)))
    return lines, total, hidden


def table(page: Page) -> tuple[list[str], Iterable[list[Any]]]:
    if page.by == "queue":
        header = [
            "Queue",
            "In",
            "Out to a person",
            "Still waiting",
            "Never touched",
            "Median seconds to an owner",
        ]
        return header, [
            [line.holder, line.n, line.out, line.waiting, line.never, line.median and round(line.median)]
            for line in page.queues
        ]
    header = [page.by_label, "In", "Touched", "Became SQL", "Never touched", "Touched and left"]
    return header, [
        [line.label, line.n, line.touched, line.yes, line.never, line.abandoned]
        for line in [*page.flows, page.total]
    ]
