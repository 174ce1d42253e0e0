"""The geometry of the map: lanes, stages and the arrows between them, from plain facts to placed shapes.

Pure. Stages stand in columns by `order`, in the lane of the team that owns them. Arrows run through the gaps between
columns and through the corridors between lanes, where no box stands; chips stand in the corridors, so they cover
neither a box nor each other. Units are those of the picture's view box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt

from scorecards.map_lines import CORNER, HEAD, head_at, rounded, straightened, towards
from scorecards.map_routes import Grid, Route, Spot, chip_corridor, place_of, track_order
from scorecards.map_shapes import (
    Arrow,
    Box,
    Chip,
    Lane,
    MapLayout,
    PlacedArrow,
    PlacedLane,
    PlacedStage,
    Segment,
    Stage,
)
from scorecards.map_words import chip_words, duration_words, severity_of, spoken_words, wrapped

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
NAME_LETTERS = 16


def lay_out(
    lanes: Sequence[Lane], stages: Sequence[Stage], arrows: Sequence[Arrow], *, at_least_width: float = 1216
) -> MapLayout:
    """Place everything on a picture at least as wide as a `gt-full` page.

    Raises MapError when an arrow or a stage names what isn't there.
    """
    grid = Grid(lanes, stages)
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
        users.sort(key=lambda user: track_order(routes[user[0]], user[1]))
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

    def gap_x(route: Route, which: int) -> float:
        gap = route.gaps[which]
        return left + gap * pitch + BOX_WIDTH + gap_width * (route.tracks[which] + 1) / (len(in_gap[gap]) + 1)

    # Ports: where arrows touch a side of a box, spread over it.
    ports: dict[tuple[str, str], list[tuple[tuple[int, ...], int, str]]] = defaultdict(list)
    for number, route in enumerate(routes):
        ports[(route.arrow.start, route.start_side)].append((place_of(route.end), number, "start"))
        ports[(route.arrow.end, route.end_side)].append((place_of(route.start), number, "end"))
    port_share: dict[tuple[int, str], float] = {}
    for users_of_side in ports.values():
        users_of_side.sort()
        for at, (_, number, which_end) in enumerate(users_of_side):
            port_share[(number, which_end)] = (at + 1) / (len(users_of_side) + 1)

    # Down: chips decide how high a corridor is.
    column_middle = {at: left + at * pitch + BOX_WIDTH / 2 for at in range(grid.column_count)}
    wanted: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, route in enumerate(routes):
        corridor = chip_corridor(route)
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

    def box_of(spot: Spot) -> Box:
        # A column with fewer stages than its lane has rows stands in the middle of the lane.
        free = grid.rows_in(spot.lane) - grid.taken[(spot.lane, spot.column)]
        offset = free * (box_height + ROW_SPACE) / 2
        top = lane_y[spot.lane] + LANE_PADDING + offset + spot.row * (box_height + ROW_SPACE)
        return Box(left + spot.column * pitch, top, BOX_WIDTH, box_height)

    def is_sole(route: Route, end: str) -> bool:
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
        points = straightened(points)
        line_width = round(2 + 6 * sqrt(arrow.volume / biggest), 2)
        severity = severity_of(arrow)
        corridor = chip_corridor(route)
        chip = None
        if corridor >= 0:
            chip_x, row = chips[corridor][number]
            chip = _chip(arrow, severity, chip_x, chip_top[corridor] + row * (CHIP_HEIGHT + CHIP_SPACE))
        line_end = [*points[:-1], towards(points[-1], points[-2], HEAD - 1)]
        placed_arrows.append(
            PlacedArrow(
                start=arrow.start,
                end=arrow.end,
                start_name=route.start.stage.name,
                end_name=route.end.stage.name,
                volume=arrow.volume,
                path=rounded(line_end),
                head=head_at(points[-1], points[-2], max(5.5, line_width)),
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
    in_order = sorted(placed_stages, key=lambda one: place_of(grid.spots[one.key]))
    return MapLayout(
        width=round(width, 2),
        height=round(height, 2),
        lanes=placed_lanes,
        stages=tuple(placed_stages),
        arrows=tuple(placed_arrows),
        rows=tuple((stage, tuple(leaving[stage.key])) for stage in in_order),
    )


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
