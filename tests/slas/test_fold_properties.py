"""What holds of every clock, whatever happened and whenever we learned of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.criteria import Catalogue, parse
from records.canonical import instant_text
from slas.conditions import Conditions
from slas.fold import BREACHED, MET, NOT_VERIFIED, WITHDRAWN, ClockData
from slas.rules import Rule, parse_rule
from tests.slas.builders import RULES, Buyer, austin, in_force, rule

CATALOGUE = Catalogue.from_spec({"person": {"origin": {"type": "picklist"}, "status": {"type": "picklist"}}})
TIERED = {key: value for key, value in RULES["touch"].items() if key != "target"} | {
    "targets": [
        {
            "name": "Demo",
            "when": {"field": "origin", "op": "is", "value": "demo"},
            "target": {"business": "1h"},
        },
        {"name": "Rest", "target": {"business_days": 1}},
    ]
}
WAITING = parse({"field": "status", "op": "is", "value": "waiting"}, CATALOGUE, object="person")
DEMO = parse({"field": "origin", "op": "is", "value": "demo"}, CATALOGUE, object="person")
ALL = [
    rule("touch"),
    rule("routed"),
    rule("touch", at_least=2, target={"business_days": 2}),
    rule("touch", stop={"meeting_booked": "sdr"}),
    rule("touch", stop={"meeting_held": "any"}, target={"elapsed": "20h"}),
    rule("touch", stop={"field_set": "plan"}, target={"elapsed": "8h"}),
    parse_rule("touch", TIERED),
]
START = austin("Thu 10:00")
END = START + timedelta(days=30)

Happening = tuple[str, int, int]
"""(what, seconds after the start, seconds until we learned of it)."""

KINDS = [
    "call",
    "mira",
    "meeting",
    "report",
    "owner",
    "plan",
    "origin",
    "status",
    "asked",
    "read",
    "gone",
    "undone",
]
seconds = st.integers(-7200, 5 * 86_400)
lags = st.sampled_from([0, 1, 60, 3600, 86_400])
stories = st.lists(st.tuples(st.sampled_from(KINDS), seconds, lags), max_size=12)
which_rules = st.sampled_from(ALL)


def conditions(which: Rule) -> Conditions:
    return Conditions(pause=WAITING, tiers=tuple(DEMO if t.when else None for t in which.targets))


def told(story: list[Happening], which: Rule) -> Buyer:
    buyer = Buyer()
    buyer.tell("contact", "change", START, field="stage", new="mql")
    for number, (what, offset, lag) in enumerate(story):
        at = START + timedelta(seconds=offset)
        _tell(buyer, which, number, what, at, at + timedelta(seconds=lag))
    return buyer


def _tell(buyer: Buyer, which: Rule, number: int, what: str, at: datetime, learned: datetime) -> None:
    if what in ("call", "mira", "meeting"):
        values = {
            "kind": "meeting" if what == "meeting" else "call",
            "owner": "mira" if what == "mira" else "sasha",
        }
        when = at + timedelta(hours=5) if what == "meeting" else at
        data = {"values": {**values, "occurred_at": instant_text(when)}}
        buyer.tell(f"activity{number}", "baseline", at, learned, data=data)
    elif what == "report":
        data = {"person": 1, "team": "sdr", "kind": "call", "at": at.isoformat()}
        buyer.tell("contact", "touch.reported", at, learned, data=data)
    elif what in ("owner", "plan", "origin", "status"):
        values = {
            "owner": ("sasha", None, "mira", "queue"),
            "plan": ("two depots", ""),
            "origin": ("demo", "web"),
        }
        choices = values.get(what, ("waiting", "open"))
        buyer.tell("contact", "change", at, learned, field=what, new=choices[number % len(choices)])
    elif what in ("gone", "undone"):
        buyer.tell("contact", "deleted" if what == "gone" else "restored", at, learned)
    else:
        key = f"ask:{number}"
        data = {"clock": str(buyer.clock_id(which)), "requests": {str(Buyer.id_of("contact")): key}}
        buyer.tell("contact", "clock.due", learned, data=data)
        if what == "read":
            buyer.tell("contact", "verified", learned, data={"request": key, "outcome": "read"})


def folded(buyer: Buyer, which: Rule, now: datetime = END) -> ClockData:
    (clock,) = buyer.clocks([in_force(which)], now, conditions=conditions(which))
    return clock


def looks(clock: ClockData) -> tuple[object, ...]:
    stop = clock.result.stop
    corrected = [(c.id, c.old, c.new, c.at) for c in clock.corrections]
    return (
        clock.id, clock.due_at, clock.tier, clock.result.as_json(), stop and stop.event.key, clock.segments, corrected,
        [t.event.key for t in clock.touches], clock.retargets, clock.look_at,
    )  # fmt: skip


@settings(max_examples=120)
@given(story=stories, which=which_rules, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(story: list[Happening], which: Rule, order: Random) -> None:
    buyer = told(story, which)
    before = looks(folded(buyer, which))
    for events in buyer.records.values():
        order.shuffle(events)
    names = list(buyer.records)
    order.shuffle(names)
    buyer.records = {name: buyer.records[name] for name in names}
    assert looks(folded(buyer, which)) == before


@settings(max_examples=120)
@given(story=stories, which=which_rules, other=st.lists(lags, min_size=12, max_size=12))
def test_when_nothing_was_announced_the_order_of_learning_changes_nothing(
    story: list[Happening], which: Rule, other: list[int]
) -> None:
    """History: nobody was told anything, so all that is known counts."""
    lasting = [happening for happening in story if happening[0] not in ("gone", "undone", "asked", "read")]
    again = [(what, offset, lag) for (what, offset, _), lag in zip(lasting, other, strict=False)]
    ends = []
    for one in (lasting, again):
        buyer = told(one, which)
        buyer.go_live_at = None
        clock = folded(buyer, which)
        ends.append((clock.result.as_json(), clock.due_at, clock.tier, len(clock.touches), clock.corrections))
    assert ends[0] == ends[1]


@settings(max_examples=120)
@given(story=stories, which=which_rules, cut=st.integers(0, 7 * 86_400))
def test_what_stands_is_kept_completed_or_corrected(story: list[Happening], which: Rule, cut: int) -> None:
    buyer = told(story, which)
    at = START + timedelta(seconds=cut)
    early, final = folded(buyer, which, at), folded(buyer, which)
    assert final.corrections[: len(early.corrections)] == early.corrections
    said, now = early.result, final.result
    if not said.is_frozen:
        return
    is_kept = (said.state, said.stopped_at) == (now.state, now.stopped_at)
    is_completed = said.stopped_at is None and said.state == now.state
    assert is_kept or is_completed or any(c.at > at for c in final.corrections)
    if said.state in (BREACHED, NOT_VERIFIED) and not any(c.at > at for c in final.corrections):
        assert (final.due_at, final.tier) == (early.due_at, early.tier)


@settings(max_examples=120)
@given(story=stories, which=which_rules)
def test_nothing_outside_its_window_meets_a_clock(story: list[Happening], which: Rule) -> None:
    clock = folded(told(story, which), which)
    stop = clock.result.stop
    if stop is not None:
        assert stop.at >= clock.start.at
    if clock.result.state in (MET, WITHDRAWN):
        assert stop is not None
        assert clock.due_at is None or stop.at <= clock.due_at


@settings(max_examples=120)
@given(story=stories, which=which_rules)
def test_every_second_from_start_to_end_belongs_to_one_party(story: list[Happening], which: Rule) -> None:
    clock = folded(told(story, which), which)
    if clock.result.stopped_at is None:
        assert clock.segments == ()
        return
    edges = list(_edges(clock))
    assert all(end == begin for (_, end), (begin, _) in pairwise(edges))
    whole = int((_second(clock.result.stopped_at) - _second(clock.start.at)).total_seconds())
    assert sum(segment.seconds for segment in clock.segments) == whole
    if edges:
        assert (edges[0][0], edges[-1][1]) == (_second(clock.start.at), _second(clock.result.stopped_at))


def _edges(clock: ClockData) -> Iterator[tuple[datetime, datetime]]:
    for segment in clock.segments:
        assert segment.begin < segment.end
        yield segment.begin, segment.end


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
