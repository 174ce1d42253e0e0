"""Which way each arrow of the map runs, before anything has a coordinate (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scorecards.map_shapes import Arrow, Lane, MapError, Stage


@dataclass(slots=True)
class Spot:
    """Where a stage stands in the grid."""

    stage: Stage
    lane: int
    column: int
    row: int


@dataclass(slots=True)
class Route:
    """How an arrow runs, before anything has a coordinate.

    `kind`: "vertical" (bottom to top in one column), "bend" (through one gap) or "corridor" (gap, corridor, gap).
    """

    arrow: Arrow
    start: Spot
    end: Spot
    kind: str
    start_side: str
    end_side: str
    gaps: tuple[int, ...] = ()
    corridor: int = -1
    tracks: list[int] = field(default_factory=list)
    corridor_track: int = 0


class Grid:
    """Stages in rows and columns. Raises MapError for an unknown lane and for a stage that is there twice."""

    def __init__(self, lanes: Sequence[Lane], stages: Sequence[Stage]) -> None:
        self.lanes = list(lanes)
        lane_at = {lane.key: at for at, lane in enumerate(lanes)}
        columns = {order: at for at, order in enumerate(sorted({stage.order for stage in stages}))}
        self.column_count = len(columns)
        taken: dict[tuple[int, int], int] = defaultdict(int)
        self.spots: dict[str, Spot] = {}
        for stage in stages:
            if stage.lane not in lane_at:
                raise MapError(f"stage {stage.key!r} stands in the unknown lane {stage.lane!r}")
            if stage.key in self.spots:
                raise MapError(f"stage {stage.key!r} is there twice")
            place = (lane_at[stage.lane], columns[stage.order])
            self.spots[stage.key] = Spot(stage, *place, taken[place])
            taken[place] += 1
        self.taken = taken

    def rows_in(self, lane: int) -> int:
        """How many stages stand above each other in a lane."""
        return max((count for (at, _), count in self.taken.items() if at == lane), default=1)

    def is_free(self, lane: int, columns: Iterable[int]) -> bool:
        """Whether no stage stands in these columns of a lane."""
        return not any(self.taken.get((lane, column)) for column in columns)

    def route(self, arrow: Arrow) -> Route:
        """The way of an arrow. Raises MapError for an unknown stage and for an arrow to itself."""
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
                return Route(arrow, start, end, "vertical", *sides, corridor=corridor)
            return Route(arrow, start, end, "bend", "right", "right", gaps=(start.column,))
        forward = end.column > start.column
        first_gap = start.column if forward else start.column - 1
        last_gap = end.column - 1 if forward else end.column
        sides = ("right", "left") if forward else ("left", "right")
        low, high = sorted((start.column, end.column))
        if self.is_free(end.lane, range(low + 1, high)):
            return Route(arrow, start, end, "bend", *sides, gaps=(first_gap,))
        if start.lane == end.lane:
            corridor = start.lane if start.lane < len(self.lanes) - 1 or start.lane == 0 else start.lane - 1
        else:
            corridor = end.lane - 1 if down else end.lane
        return Route(arrow, start, end, "corridor", *sides, gaps=(first_gap, last_gap), corridor=corridor)


def chip_corridor(route: Route) -> int:
    """The corridor beside the lane that an arrow enters; -1 within a lane."""
    start, end = route.start.lane, route.end.lane
    if start == end:
        return -1
    return end - 1 if end > start else end


def place_of(spot: Spot) -> tuple[int, ...]:
    """In the order in which people read: by columns, in each from the top."""
    return spot.column, spot.lane, spot.row


def track_order(route: Route, which: int) -> tuple[int, ...]:
    """Arrows that go down far turn first when they come from above, so that fewer cross."""
    start, end = route.start, route.end
    return (which, start.lane, -end.lane, start.row, end.row)
