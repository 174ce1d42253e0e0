"""What the map shows, before it has a place and after (pure)."""

from __future__ import annotations

from dataclasses import dataclass


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
