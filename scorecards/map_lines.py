"""The lines of the map: corners taken out, rounded, and an arrow's head (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HEAD = 9.0
CORNER = 9.0


def rounded(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through the points with round corners."""
    parts = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into = abs(corner[0] - before[0]) + abs(corner[1] - before[1])
        out = abs(after[0] - corner[0]) + abs(after[1] - corner[1])
        radius = min(CORNER, into / 2, out / 2)
        near = towards(corner, before, radius)
        far = towards(corner, after, radius)
        parts.append(f"L{near[0]:g} {near[1]:g}Q{corner[0]:g} {corner[1]:g} {far[0]:g} {far[1]:g}")
    parts.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(parts)


def towards(point: tuple[float, float], other: tuple[float, float], distance: float) -> tuple[float, float]:
    """The point ``distance`` nearer to the other, on a line that goes across or down."""
    length = abs(other[0] - point[0]) + abs(other[1] - point[1])
    if not length:
        return point
    part = distance / length
    return (
        round(point[0] + (other[0] - point[0]) * part, 2),
        round(point[1] + (other[1] - point[1]) * part, 2),
    )


def straightened(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
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


def head_at(tip: tuple[float, float], before: tuple[float, float], half: float) -> str:
    """The three corners of an arrow's head."""
    (x, y), back = tip, towards(tip, before, HEAD)
    if back[1] == y:
        corners = [(x, y), (back[0], y - half), (back[0], y + half)]
    else:
        corners = [(x, y), (x - half, back[1]), (x + half, back[1])]
    return " ".join(f"{a:g},{b:g}" for a, b in corners)
