"""The geometry of the map: lanes, stages and the arrows between them, from plain facts to placed shapes.

Pure. Stages stand in columns by `order`, in the lane of the team that owns them. Arrows run through the gaps between
columns and through the corridors between lanes, where no box stands; chips stand in the corridors, so they cover
neither a box nor each other. Units are those of the picture's view box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt

MARGIN = 2.0
LANE_NAME_WIDTH = 112.0
BOX_WIDTH = 130.0
BOX_HEIGHT = 60.0
NAME_LINE = 17.0
GAP = 46.0
WIDEST_GAP = 130.0
LANE_PADDING = 13.0
ROW_SPACE = 16.0
CHIP_WIDTH = 166.0
CHIP_HEIGHT = 50.0
CHIP_SPACE = 8.0
CHIP_SHIFT = 52.0
TRACK = 14.0
CORRIDOR = 10.0
HEAD = 9.0
CORNER = 9.0
NAME_LETTERS = 16
NEAR_TARGET = 0.15


class MapError(ValueError):
    """The parts don't fit together: an unknown lane or stage, or a stage with an arrow to itself."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A team; `tone` is one of the colour names of assets/css/tokens.css."""

    key: str
    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage in a lane; `order` says its column, equal orders share one. `sub` is a few words under the name."""

    key: str
    name: str
    lane: str
    order: int
    count: int
    sub: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """How long one holder had it, in wall seconds over all handoffs of the arrow."""

    label: str
    tone: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Arrow:
    """What went from one stage to another.

    `in_time_share` and `target` are 0 to 1 or None; `promise` says in words what in time means ("in 1 h").
    `too_few` keeps the count and hides the share. `note` says why there is no share.
    """

    start: str
    end: str
    volume: int
    in_time_share: float | None = None
    target: float | None = None
    late: int = 0
    waiting: int = 0
    median_seconds: int | None = None
    held: tuple[Share, ...] = ()
    href: str = ""
    promise: str = "in time"
    too_few: bool = False
    note: str = "no target yet"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle_x(self) -> float:
        return self.x + self.width / 2

    @property
    def middle_y(self) -> float:
        return self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        """Whether the two share area; touching edges don't."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


@dataclass(frozen=True, slots=True)
class PlacedLane:
    """Texts are placed from the box's own corner, here and in the other parts."""

    name_lines: tuple[tuple[float, str], ...]
    tone: str
    box: Box


@dataclass(frozen=True, slots=True)
class PlacedStage:
    key: str
    name: str
    name_lines: tuple[tuple[float, str], ...]
    foot_y: float
    count: int
    sub: str
    href: str
    tone: str
    lane: str
    box: Box


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the bar in a chip, placed from the chip's corner."""

    tone: str
    label: str
    box: Box


@dataclass(frozen=True, slots=True)
class Chip:
    box: Box
    mark: str
    first: str
    second: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class PlacedArrow:
    """`severity` is ok, soon, late or neutral; `spoken` says all of it in a sentence; `points` is the middle line."""

    start: str
    end: str
    start_name: str
    end_name: str
    volume: int
    path: str
    head: str
    width: float
    severity: str
    words: str
    spoken: str
    href: str
    is_handoff: bool
    points: tuple[tuple[float, float], ...]
    chip: Chip | None


@dataclass(frozen=True, slots=True)
class MapLayout:
    """Everything placed; `rows` is the same as a list: each stage with the arrows that leave it."""

    width: float
    height: float
    lanes: tuple[PlacedLane, ...]
    stages: tuple[PlacedStage, ...]
    arrows: tuple[PlacedArrow, ...]
    rows: tuple[tuple[PlacedStage, tuple[PlacedArrow, ...]], ...]


def severity_of(arrow: Arrow) -> str:
    """Colour of an arrow: its share in time against its target. Without both it is neutral."""
    if arrow.too_few or arrow.in_time_share is None or arrow.target is None:
        return "neutral"
    if arrow.in_time_share >= arrow.target:
        return "ok"
    return "soon" if arrow.in_time_share >= arrow.target - NEAR_TARGET else "late"


def duration_words(seconds: int) -> str:
    """ "2 h 05", "48 min", "3 d": short enough for a chip."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        hours, minutes = divmod(seconds // 60, 60)
        return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
    days, hours = divmod(seconds // 3600, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def wrapped(text: str, letters: int) -> tuple[str, ...]:
    """`text` in at most two lines of about `letters`; what doesn't fit ends in an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= letters or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > 2:
        lines = [lines[0], " ".join(lines[1:])]
    return tuple(line if len(line) <= letters + 1 else f"{line[:letters].rstrip()}…" for line in lines)


def chip_words(arrow: Arrow) -> tuple[str, str]:
    """The two lines of a chip."""
    if arrow.too_few:
        return "Too few to say", f"n = {arrow.volume}"
    if arrow.in_time_share is None:
        first = f"{arrow.volume:,} handed over"
    else:
        first = f"{arrow.in_time_share:.0%} {arrow.promise}"
        if arrow.late:
            first += f" · {arrow.late} late"
    parts = []
    if arrow.median_seconds is not None:
        parts.append(f"median {duration_words(arrow.median_seconds)}")
    if arrow.waiting:
        parts.append(f"{arrow.waiting} waiting")
    if not parts:
        parts.append(f"n = {arrow.volume:,}" if arrow.in_time_share is not None else arrow.note)
    return first, " · ".join(parts)


def spoken_words(arrow: Arrow, start: Stage, end: Stage) -> str:
    """One sentence with all that the arrow shows."""
    text = f"{start.name} to {end.name}: {arrow.volume:,} went over"
    if arrow.too_few:
        return f"{text}, too few to say how many in time"
    if arrow.in_time_share is not None:
        text += f", {arrow.in_time_share:.0%} {arrow.promise}"
        if arrow.target is not None:
            text += f" (target {arrow.target:.0%})"
    if arrow.late:
        text += f", {arrow.late} late"
    if arrow.waiting:
        text += f", {arrow.waiting} waiting"
    if arrow.median_seconds is not None:
        text += f", median {duration_words(arrow.median_seconds)}"
    held = [f"{one.label} {duration_words(one.seconds)}" for one in arrow.held if one.seconds]
    return f"{text}. Who had it: {', '.join(held)}" if held else text


@dataclass(slots=True)
class _Spot:
    """Where a stage stands in the grid."""

    stage: Stage
    lane: int
    column: int
    row: int


@dataclass(slots=True)
class _Route:
    """How an arrow runs, before anything has a coordinate.

    `kind`: "vertical" (bottom to top in one column), "bend" (through one gap) or "corridor" (gap, corridor, gap).
    """

    arrow: Arrow
    start: _Spot
    end: _Spot
    kind: str
    start_side: str
    end_side: str
    gaps: tuple[int, ...] = ()
    corridor: int = -1
    tracks: list[int] = field(default_factory=list)
    corridor_track: int = 0


class _Grid:
    def __init__(self, lanes: Sequence[Lane], stages: Sequence[Stage]) -> None:
        self.lanes = list(lanes)
        lane_at = {lane.key: at for at, lane in enumerate(lanes)}
        columns = {order: at for at, order in enumerate(sorted({stage.order for stage in stages}))}
        self.column_count = len(columns)
        taken: dict[tuple[int, int], int] = defaultdict(int)
        self.spots: dict[str, _Spot] = {}
        for stage in stages:
            if stage.lane not in lane_at:
                raise MapError(f"stage {stage.key!r} stands in the unknown lane {stage.lane!r}")
            if stage.key in self.spots:
                raise MapError(f"stage {stage.key!r} is there twice")
            place = (lane_at[stage.lane], columns[stage.order])
            self.spots[stage.key] = _Spot(stage, *place, taken[place])
            taken[place] += 1
        self.taken = taken

    def rows_in(self, lane: int) -> int:
        return max((count for (at, _), count in self.taken.items() if at == lane), default=1)

    def is_free(self, lane: int, columns: Iterable[int]) -> bool:
        return not any(self.taken.get((lane, column)) for column in columns)

    def route(self, arrow: Arrow) -> _Route:
        for key in (arrow.start, arrow.end):
            if key not in self.spots:
                raise MapError(f"an arrow names the unknown stage {key!r}")
        if arrow.start == arrow.end:
            raise MapError(f"an arrow leads from {arrow.start!r} to itself")
        start, end = self.spots[arrow.start], self.spots[arrow.end]
        down = end.lane > start.lane
        if start.column == end.column:
            upper, lower = (start, end) if (start.lane, start.row) < (end.lane, end.row) else (end, start)
            touches = (
                lower.lane == upper.lane + 1
                and lower.row == 0
                and upper.row == self.taken[(upper.lane, upper.column)] - 1
            ) or (lower.lane == upper.lane and lower.row == upper.row + 1)
            if touches:
                sides = ("bottom", "top") if upper is start else ("top", "bottom")
                corridor = upper.lane if lower.lane != upper.lane else -1
                return _Route(arrow, start, end, "vertical", *sides, corridor=corridor)
            return _Route(arrow, start, end, "bend", "right", "right", gaps=(start.column,))
        forward = end.column > start.column
        first_gap = start.column if forward else start.column - 1
        last_gap = end.column - 1 if forward else end.column
        sides = ("right", "left") if forward else ("left", "right")
        low, high = sorted((start.column, end.column))
        if self.is_free(end.lane, range(low + 1, high)):
            return _Route(arrow, start, end, "bend", *sides, gaps=(first_gap,))
        if start.lane == end.lane:
            corridor = start.lane if start.lane < len(self.lanes) - 1 or start.lane == 0 else start.lane - 1
        else:
            corridor = end.lane - 1 if down else end.lane
        return _Route(arrow, start, end, "corridor", *sides, gaps=(first_gap, last_gap), corridor=corridor)


def _chip_corridor(route: _Route) -> int:
    """The corridor beside the lane that an arrow enters; -1 within a lane."""
    start, end = route.start.lane, route.end.lane
    if start == end:
        return -1
    return end - 1 if end > start else end


def _rows_of_chips(
    wanted: list[tuple[float, int]], least: float, most: float
) -> dict[int, tuple[float, int]]:
    """(x, row) of each chip by its number; in a row no two overlap, and none leaves least..most."""
    placed: dict[int, tuple[float, int]] = {}
    edges: list[float] = []
    for middle, number in sorted(wanted):
        x_wanted = min(max(middle - CHIP_WIDTH / 2, least), most)
        for row, edge in enumerate(edges):
            x = max(x_wanted, edge + CHIP_SPACE)
            if x - x_wanted <= CHIP_SHIFT and x <= most:
                edges[row] = x + CHIP_WIDTH
                placed[number] = (x, row)
                break
        else:
            edges.append(x_wanted + CHIP_WIDTH)
            placed[number] = (x_wanted, len(edges) - 1)
    return placed


def _rounded(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through the points with round corners."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into = abs(corner[0] - before[0]) + abs(corner[1] - before[1])
        out = abs(after[0] - corner[0]) + abs(after[1] - corner[1])
        radius = min(CORNER, into / 2, out / 2)
        near = _towards(corner, before, radius)
        far = _towards(corner, after, radius)
        parts.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def _towards(point: tuple[float, float], other: tuple[float, float], distance: float) -> tuple[float, float]:
    length = abs(other[0] - point[0]) + abs(other[1] - point[1])
    if not length:
        return point
    part = distance / length
    return (
        round(point[0] + (other[0] - point[0]) * part, 2),
        round(point[1] + (other[1] - point[1]) * part, 2),
    )


def _straightened(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without doubled points and without corners that aren't corners."""
    kept: list[tuple[float, float]] = []
    for point in points:
        here = (round(point[0], 2), round(point[1], 2))
        if kept and kept[-1] == here:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == here[0] or kept[-2][1] == kept[-1][1] == here[1]):
            kept[-1] = here
        else:
            kept.append(here)
    return kept


def _head(tip: tuple[float, float], before: tuple[float, float], half: float) -> str:
    """The three corners of an arrow's head."""
    (x, y), back = tip, _towards(tip, before, HEAD)
    if back[1] == y:
        corners = [(x, y), (back[0], y - half), (back[0], y + half)]
    else:
        corners = [(x, y), (x - half, back[1]), (x + half, back[1])]
    return " ".join(f"{a:g},{b:g}" for a, b in corners)


def lay_out(
    lanes: Sequence[Lane], stages: Sequence[Stage], arrows: Sequence[Arrow], *, at_least_width: float = 1216
) -> MapLayout:
    """Place everything on a picture at least as wide as a `gt-full` page.

    Raises MapError when an arrow or a stage names what isn't there.
    """
    grid = _Grid(lanes, stages)
    routes = [grid.route(arrow) for arrow in arrows]

    in_gap: dict[int, list[tuple[int, int]]] = defaultdict(list)
    in_corridor: dict[int, int] = defaultdict(int)
    for number, route in enumerate(routes):
        for gap in route.gaps:
            in_gap[gap].append((number, len(route.tracks)))
            route.tracks.append(0)
        if route.kind == "corridor":
            route.corridor_track = in_corridor[route.corridor]
            in_corridor[route.corridor] += 1
    for users in in_gap.values():
        users.sort(key=lambda user: _track_order(routes[user[0]], user[1]))
        for track, (number, which) in enumerate(users):
            routes[number].tracks[which] = track

    # Across: columns and gaps; a small model spreads over the width, so that texts keep their size.
    last = grid.column_count - 1
    outside = bool(in_gap.get(-1)) + bool(in_gap.get(last))
    # Room for a chip under the last column.
    room_right = 0 if in_gap.get(last) else (CHIP_WIDTH - BOX_WIDTH) / 2
    fixed = 2 * MARGIN + LANE_NAME_WIDTH + grid.column_count * BOX_WIDTH + room_right
    gap_width = min(max(GAP, (at_least_width - fixed) / max(1, last + outside)), WIDEST_GAP)
    left = MARGIN + LANE_NAME_WIDTH + (gap_width if in_gap.get(-1) else 0)
    pitch = BOX_WIDTH + gap_width
    right = left + last * pitch + BOX_WIDTH + (gap_width if in_gap.get(last) else room_right)
    width = max(right + MARGIN, at_least_width)

    def gap_x(route: _Route, which: int) -> float:
        gap = route.gaps[which]
        return left + gap * pitch + BOX_WIDTH + gap_width * (route.tracks[which] + 1) / (len(in_gap[gap]) + 1)

    # Ports: where arrows touch a side of a box, spread over it.
    ports: dict[tuple[str, str], list[tuple[tuple[int, ...], int, str]]] = defaultdict(list)
    for number, route in enumerate(routes):
        ports[(route.arrow.start, route.start_side)].append((_place(route.end), number, "start"))
        ports[(route.arrow.end, route.end_side)].append((_place(route.start), number, "end"))
    port_share: dict[tuple[int, str], float] = {}
    for users_of_side in ports.values():
        users_of_side.sort()
        for at, (_, number, which_end) in enumerate(users_of_side):
            port_share[(number, which_end)] = (at + 1) / (len(users_of_side) + 1)

    # Down: chips decide how high a corridor is.
    column_middle = {at: left + at * pitch + BOX_WIDTH / 2 for at in range(grid.column_count)}
    wanted: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, route in enumerate(routes):
        corridor = _chip_corridor(route)
        if corridor < 0:
            continue
        if route.kind == "vertical":
            x = column_middle[route.start.column]
        elif route.kind == "corridor" and route.end.lane < route.start.lane:
            x = gap_x(route, 1)
        else:
            x = gap_x(route, 0)
        wanted[corridor].append((x, number))
    most = width - MARGIN - CHIP_WIDTH
    chips = {corridor: _rows_of_chips(chips, MARGIN, most) for corridor, chips in wanted.items()}

    name_lines = {stage.key: wrapped(stage.name, NAME_LETTERS) for stage in stages}
    box_height = BOX_HEIGHT + (NAME_LINE if any(len(lines) > 1 for lines in name_lines.values()) else 0)
    lane_y: list[float] = []
    lane_height: list[float] = []
    chip_top: dict[int, float] = {}
    track_top: dict[int, float] = {}
    y = MARGIN
    for at in range(len(lanes)):
        rows = max(grid.rows_in(at), 1)
        lane_y.append(y)
        lane_height.append(2 * LANE_PADDING + rows * box_height + (rows - 1) * ROW_SPACE)
        y += lane_height[-1]
        chip_rows = 1 + max((row for _, row in chips.get(at, {}).values()), default=-1)
        chip_top[at] = y + CHIP_SPACE
        track_top[at] = y + (chip_rows * (CHIP_HEIGHT + CHIP_SPACE) + CHIP_SPACE if chip_rows else CORRIDOR)
        if at < len(lanes) - 1 or chip_rows or in_corridor.get(at):
            y = track_top[at] + (in_corridor[at] * TRACK + CORRIDOR / 2 if in_corridor.get(at) else 0)
    height = y + MARGIN

    def box_of(spot: _Spot) -> Box:
        # A column with fewer stages than its lane has rows stands in the middle of the lane.
        free = grid.rows_in(spot.lane) - grid.taken[(spot.lane, spot.column)]
        offset = free * (box_height + ROW_SPACE) / 2
        top = lane_y[spot.lane] + LANE_PADDING + offset + spot.row * (box_height + ROW_SPACE)
        return Box(left + spot.column * pitch, top, BOX_WIDTH, box_height)

    def is_sole(route: _Route, end: str) -> bool:
        key, side = (
            (route.arrow.start, route.start_side) if end == "start" else (route.arrow.end, route.end_side)
        )
        return len(ports[(key, side)]) == 1

    def ends(number: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Tail and tip; an end that has its side to itself moves so that neighbours are joined by a straight line."""
        route = routes[number]
        tail, tip = port(number, "start"), port(number, "end")
        start, end = box_of(route.start), box_of(route.end)
        if route.kind == "bend" and route.start_side != route.end_side:
            if is_sole(route, "end") and end.y + CORNER < tail[1] < end.bottom - CORNER:
                tip = (tip[0], tail[1])
            elif is_sole(route, "start") and start.y + CORNER < tip[1] < start.bottom - CORNER:
                tail = (tail[0], tip[1])
        if route.kind == "vertical":
            if is_sole(route, "end"):
                tip = (tail[0], tip[1])
            elif is_sole(route, "start"):
                tail = (tip[0], tail[1])
        return tail, tip

    def port(number: int, end: str) -> tuple[float, float]:
        route = routes[number]
        spot, side = (route.start, route.start_side) if end == "start" else (route.end, route.end_side)
        box, part = box_of(spot), port_share[(number, end)]
        if side in {"top", "bottom"}:
            return box.x + box.width * part, box.y if side == "top" else box.bottom
        return box.x if side == "left" else box.right, box.y + box.height * part

    biggest = max((arrow.volume for arrow in arrows), default=0) or 1
    placed_arrows = []
    for number, route in enumerate(routes):
        arrow = route.arrow
        tail, tip = ends(number)
        if route.kind == "vertical":
            middle = (tail[1] + tip[1]) / 2
            points = [tail, (tail[0], middle), (tip[0], middle), tip]
        elif route.kind == "bend":
            x = gap_x(route, 0)
            points = [tail, (x, tail[1]), (x, tip[1]), tip]
        else:
            run = track_top[route.corridor] + TRACK * (route.corridor_track + 0.5)
            first, second = gap_x(route, 0), gap_x(route, 1)
            points = [tail, (first, tail[1]), (first, run), (second, run), (second, tip[1]), tip]
        points = _straightened(points)
        line_width = round(2 + 6 * sqrt(arrow.volume / biggest), 2)
        severity = severity_of(arrow)
        corridor = _chip_corridor(route)
        chip = None
        if corridor >= 0:
            chip_x, row = chips[corridor][number]
            chip = _chip(arrow, severity, chip_x, chip_top[corridor] + row * (CHIP_HEIGHT + CHIP_SPACE))
        line_end = [*points[:-1], _towards(points[-1], points[-2], HEAD - 1)]
        placed_arrows.append(
            PlacedArrow(
                start=arrow.start,
                end=arrow.end,
                start_name=route.start.stage.name,
                end_name=route.end.stage.name,
                volume=arrow.volume,
                path=_rounded(line_end),
                head=_head(points[-1], points[-2], max(5.5, line_width)),
                width=line_width,
                severity=severity,
                words=" · ".join(chip_words(arrow)) if corridor >= 0 else f"{arrow.volume:,} went on",
                spoken=spoken_words(arrow, route.start.stage, route.end.stage),
                href=arrow.href,
                is_handoff=corridor >= 0,
                points=tuple(points),
                chip=chip,
            )
        )

    placed_lanes = tuple(
        PlacedLane(
            tuple((25 + 16.0 * line, text) for line, text in enumerate(wrapped(lane.name, 13))),
            lane.tone,
            Box(MARGIN, lane_y[at], width - 2 * MARGIN, lane_height[at]),
        )
        for at, lane in enumerate(lanes)
    )
    placed_stages = []
    for stage in stages:
        spot = grid.spots[stage.key]
        box = box_of(spot)
        lines = tuple((23 + NAME_LINE * at, text) for at, text in enumerate(name_lines[stage.key]))
        room = NAME_LETTERS + 1 - len(f"{stage.count:,}")
        sub = stage.sub if len(stage.sub) <= room else f"{stage.sub[: room - 1].rstrip()}…"
        lane = lanes[spot.lane]
        placed_stages.append(
            PlacedStage(
                stage.key,
                stage.name,
                lines,
                box.height - 13,
                stage.count,
                sub,
                stage.href,
                lane.tone,
                lane.name,
                box,
            )
        )
    leaving: dict[str, list[PlacedArrow]] = defaultdict(list)
    for placed in placed_arrows:
        leaving[placed.start].append(placed)
    in_order = sorted(placed_stages, key=lambda one: _place(grid.spots[one.key]))
    return MapLayout(
        width=round(width, 2),
        height=round(height, 2),
        lanes=placed_lanes,
        stages=tuple(placed_stages),
        arrows=tuple(placed_arrows),
        rows=tuple((stage, tuple(leaving[stage.key])) for stage in in_order),
    )


def _place(spot: _Spot) -> tuple[int, ...]:
    return spot.column, spot.lane, spot.row


def _track_order(route: _Route, which: int) -> tuple[int, ...]:
    """Arrows that go down far turn first when they come from above, so that fewer cross."""
    start, end = route.start, route.end
    return (which, start.lane, -end.lane, start.row, end.row)


def _chip(arrow: Arrow, severity: str, x: float, y: float) -> Chip:
    first, second = chip_words(arrow)
    total = sum(one.seconds for one in arrow.held)
    bar_x, bar_width = 10.0, CHIP_WIDTH - 20
    segments = []
    for one in arrow.held:
        if one.seconds and total:
            part = bar_width * one.seconds / total
            segments.append(
                Segment(
                    one.tone,
                    f"{one.label} {duration_words(one.seconds)}",
                    Box(round(bar_x, 2), CHIP_HEIGHT - 11, round(part, 2), 5),
                )
            )
            bar_x += part
    mark = {"ok": "✓", "soon": "●", "late": "▲"}.get(severity, "")
    return Chip(Box(round(x, 2), round(y, 2), CHIP_WIDTH, CHIP_HEIGHT), mark, first, second, tuple(segments))
