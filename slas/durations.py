"""Lengths of time as people write and read them (pure)."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> int:
    """Seconds of ``90s``, ``5m``, ``1h``, ``3d`` or sums such as ``1h30m``; 0 when it is none of these."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(f"{n}{u}" for n, u in parts) != re.sub(r"\s", "", text):
        return 0
    return sum(int(n) * _SECONDS[u] for n, u in parts)


def duration_words(seconds: int) -> str:
    """``5 min``, ``1 h``, ``2 h 10 min``, ``3 d``; the two largest units."""
    seconds = abs(int(seconds))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    shown = [f"{n} {unit}" for n, unit in parts if n][:2]
    return " ".join(shown) or "0 s"
