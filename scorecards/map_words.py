"""What the map says of its arrows (pure)."""

from __future__ import annotations

from scorecards.map_shapes import Arrow, Stage

NEAR_TARGET = 0.15


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
