from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorecards.map_layout import lay_out
from scorecards.map_shapes import Arrow, Box, Lane, MapError, MapLayout, Share, Stage
from scorecards.map_words import severity_of, wrapped

LANES = [
    Lane("marketing", "Marketing", "sky"),
    Lane("sdr", "SDR", "amber"),
    Lane("sales", "Sales (AE)", "green"),
]
STAGES = [
    Stage("lead", "Lead", "marketing", 1, 1204, "new 90 d", "/stages/lead/"),
    Stage("mql", "Marketing Qualified Lead", "marketing", 2, 412, "v4", "/stages/mql/"),
    Stage("sql", "Sales Qualified Lead", "sdr", 3, 176),
    Stage("sal", "Sales Accepted Lead", "sales", 4, 141),
    Stage("won", "Won", "sales", 6, 31),
]
ARROWS = [
    Arrow("lead", "mql", 412),
    Arrow(
        "mql",
        "sql",
        176,
        0.61,
        0.9,
        14,
        3,
        7500,
        (Share("SDR", "amber", 90), Share("Closed", "closed", 10)),
        "/handoffs/",
        "in 1 h",
    ),
    Arrow("sql", "sal", 141, 0.83, 0.9),
    Arrow("sal", "won", 31),
    Arrow("sql", "lead", 9, 0.95, 0.9),
]


def boxes_crossed(points: tuple[tuple[float, float], ...], boxes: list[Box]) -> list[Box]:
    """The boxes that a middle line runs through; touching an edge is how it starts and ends."""
    crossed = []
    for (x1, y1), (x2, y2) in pairwise(points):
        run = Box(min(x1, x2), min(y1, y2), abs(x2 - x1) or 0.01, abs(y2 - y1) or 0.01)
        inner = [Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2) for box in boxes]
        crossed += [box for box, core in zip(boxes, inner, strict=True) if core.overlaps(run)]
    return crossed


def check(layout: MapLayout) -> None:
    canvas = Box(0, 0, layout.width, layout.height)
    stages = [stage.box for stage in layout.stages]
    chips = [arrow.chip.box for arrow in layout.arrows if arrow.chip]
    for one, other in combinations([*stages, *chips], 2):
        assert not one.overlaps(other), (one, other)
    for box in [*stages, *chips, *(lane.box for lane in layout.lanes)]:
        assert canvas.x <= box.x
        assert canvas.y <= box.y
        assert box.right <= canvas.right
        assert box.bottom <= canvas.bottom
    for one, other in combinations([lane.box for lane in layout.lanes], 2):
        assert not one.overlaps(other)
    for arrow in layout.arrows:
        assert not boxes_crossed(arrow.points, stages), arrow
        for x, y in arrow.points:
            assert 0 <= x <= layout.width
            assert 0 <= y <= layout.height
        for (x1, y1), (x2, y2) in pairwise(arrow.points):
            assert x1 == x2 or y1 == y2


def test_nothing_covers_anything_on_the_starter_model() -> None:
    check(lay_out(LANES, STAGES, ARROWS))


def test_a_stage_stands_in_the_lane_of_its_team() -> None:
    layout = lay_out(LANES, STAGES, ARROWS)
    lanes = dict(zip([lane.name for lane in LANES], layout.lanes, strict=True))
    for stage in layout.stages:
        lane = lanes[stage.lane].box
        assert lane.y < stage.box.y
        assert stage.box.bottom < lane.bottom


def test_stages_go_from_left_to_right_by_order() -> None:
    placed = {stage.key: stage.box for stage in lay_out(LANES, STAGES, ARROWS).stages}
    assert placed["lead"].x < placed["mql"].x < placed["sql"].x < placed["sal"].x < placed["won"].x


def test_only_an_arrow_that_crosses_a_lane_is_a_handoff_with_a_chip() -> None:
    arrows = {(arrow.start, arrow.end): arrow for arrow in lay_out(LANES, STAGES, ARROWS).arrows}
    assert arrows["lead", "mql"].chip is None
    assert not arrows["lead", "mql"].is_handoff
    chip = arrows["mql", "sql"].chip
    assert chip is not None
    assert (chip.mark, chip.first, chip.second) == ("▲", "61% in 1 h · 14 late", "median 2 h 05 · 3 waiting")
    assert [segment.tone for segment in chip.segments] == ["amber", "closed"]
    assert chip.segments[0].box.width == pytest.approx(9 * chip.segments[1].box.width)


def test_an_arrow_says_everything_in_a_sentence() -> None:
    arrow = lay_out(LANES, STAGES, ARROWS).arrows[1]
    assert arrow.spoken == (
        "Marketing Qualified Lead to Sales Qualified Lead: 176 went over, 61% in 1 h (target 90%), 14 late, "
        "3 waiting, median 2 h 05. Who had it: SDR 1 min, Closed 10 s"
    )
    assert arrow.href == "/handoffs/"


@pytest.mark.parametrize(
    ("share", "target", "too_few", "severity"),
    [
        (0.9, 0.9, False, "ok"),
        (0.89, 0.9, False, "soon"),
        (0.7, 0.9, False, "late"),
        (None, 0.9, False, "neutral"),
        (0.2, None, False, "neutral"),
        (0.2, 0.9, True, "neutral"),
    ],
)
def test_the_colour_is_the_share_in_time_against_the_target(
    share: float | None, target: float | None, too_few: bool, severity: str
) -> None:
    assert severity_of(Arrow("a", "b", 9, share, target, too_few=too_few)) == severity


def test_width_grows_with_volume() -> None:
    widths = [arrow.width for arrow in lay_out(LANES, STAGES, ARROWS).arrows]
    assert widths[0] > widths[1] > widths[2] > widths[3] > widths[4] >= 2


def test_few_cases_hide_the_share_and_keep_the_count() -> None:
    layout = lay_out(LANES, STAGES, [Arrow("mql", "sql", 6, 0.5, 0.9, too_few=True)])
    chip = layout.arrows[0].chip
    assert chip is not None
    assert (chip.first, chip.second) == ("Too few to say", "n = 6")


def test_the_list_holds_every_stage_once_with_the_arrows_that_leave_it() -> None:
    layout = lay_out(LANES, STAGES, ARROWS)
    assert [stage.key for stage, _ in layout.rows] == ["lead", "mql", "sql", "sal", "won"]
    assert [arrow.end for stage, arrows in layout.rows for arrow in arrows if stage.key == "sql"] == [
        "sal",
        "lead",
    ]
    assert sum(len(arrows) for _, arrows in layout.rows) == len(ARROWS)


@pytest.mark.parametrize(
    ("stages", "arrows", "message"),
    [
        ([Stage("a", "A", "nowhere", 1, 0)], [], "unknown lane 'nowhere'"),
        ([Stage("a", "A", "sdr", 1, 0), Stage("a", "A", "sdr", 2, 0)], [], "there twice"),
        ([Stage("a", "A", "sdr", 1, 0)], [Arrow("a", "b", 1)], "unknown stage 'b'"),
        ([Stage("a", "A", "sdr", 1, 0)], [Arrow("a", "a", 1)], "to itself"),
    ],
)
def test_parts_that_do_not_fit_are_refused(stages: list[Stage], arrows: list[Arrow], message: str) -> None:
    with pytest.raises(MapError, match=message):
        lay_out(LANES, stages, arrows)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Won", ("Won",)),
        ("Marketing Qualified Lead", ("Marketing", "Qualified Lead")),
        ("Donaudampfschifffahrt", ("Donaudampfschiff…",)),
        ("One two three four five six seven", ("One two three", "four five six se…")),
    ],
)
def test_a_long_name_takes_two_lines_and_then_an_ellipsis(text: str, lines: tuple[str, ...]) -> None:
    assert wrapped(text, 16) == lines


def test_a_small_model_takes_the_width_of_the_page_and_keeps_its_boxes() -> None:
    layout = lay_out(LANES, STAGES[:2], ARROWS[:1])
    assert layout.width == 1216
    assert {stage.box.width for stage in layout.stages} == {130}


def test_a_model_without_anything_is_an_empty_picture() -> None:
    layout = lay_out([], [], [])
    assert layout.width > 0
    assert layout.rows == ()


@given(data=st.data())
def test_nothing_covers_anything_on_any_model(data: st.DataObject) -> None:
    lanes = [Lane(f"l{at}", f"Lane {at}", "sky") for at in range(data.draw(st.integers(1, 5)))]
    stages = [
        Stage(
            f"s{at}",
            f"Stage {at}",
            data.draw(st.sampled_from(lanes)).key,
            data.draw(st.integers(0, 6)),
            data.draw(st.integers(0, 99999)),
        )
        for at in range(data.draw(st.integers(1, 9)))
    ]
    pairs = [(one.key, other.key) for one in stages for other in stages if one is not other]
    chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=8)) if pairs else []
    arrows = [
        Arrow(
            start,
            end,
            data.draw(st.integers(0, 5000)),
            data.draw(st.sampled_from([None, 0.2, 0.8, 1.0])),
            0.9,
        )
        for start, end in chosen
    ]
    check(lay_out(lanes, stages, arrows))
