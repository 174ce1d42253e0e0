"""Times of a day as people type them, and what is wrong with a week of them (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slas.calendars.business_time import DAY_MINUTES, WEEKDAYS

DAY_NAMES = dict(
    zip(
        WEEKDAYS,
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        strict=True,
    )
)
_TIME = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?(?:\s*([ap])\.?m\.?)?", re.IGNORECASE)


def read_time(text: str) -> str | None:
    """ "9" -> 09:00, "930" -> 09:30, "5.30 pm" -> 17:30, "24" -> 24:00; None for what is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[3].lower() == "p" else 0)
    if minute > 59 or hour * 60 + minute > DAY_MINUTES:
        return None
    return f"{hour:02}:{minute:02}"


@dataclass(frozen=True)
class Block:
    """One stretch of work as it was typed. ``note``: what it means where that is not plain; ``fault``: why it can't."""

    begin: str = ""
    end: str = ""
    fault: str = ""
    note: str = ""

    @property
    def is_blank(self) -> bool:
        return not self.begin and not self.end

    @property
    def minutes(self) -> tuple[int, int] | None:
        """(begin, end) after midnight, the end past 24:00 where it lies on the next day; None with a fault."""
        begin, end = _minutes(self.begin), _minutes(self.end)
        if begin is None or end is None:
            return None
        return begin, end if begin < end else end + DAY_MINUTES

    @property
    def pair(self) -> list[str]:
        return [self.begin, self.end]


def read_blocks(begins: Sequence[str], ends: Sequence[str]) -> list[Block]:
    """The blocks of one day, blank ones left out; each with its fault or with what it means."""
    found: list[Block] = []
    for begin, end in zip(begins, ends, strict=False):
        block = _read_block(begin.strip()[:12], end.strip()[:12])
        if block.is_blank:
            continue
        if not block.fault:
            block = _beside(block, found)
        found.append(block)
    return found


def spilled(week: dict[str, list[Block]]) -> dict[str, list[Block]]:
    """The week with a fault wherever a night shift runs into the next morning's block."""
    found = dict(week)
    for i, day in enumerate(WEEKDAYS):
        before = WEEKDAYS[i - 1]
        ends = [b.minutes[1] - DAY_MINUTES for b in week[before] if not b.fault and b.minutes]
        latest = max(ends, default=0)
        found[day] = [
            replace(
                block,
                fault=f"{DAY_NAMES[before]}’s last block runs until {latest // 60:02}:{latest % 60:02} of this day.",
            )
            if not block.fault and block.minutes and block.minutes[0] < latest
            else block
            for block in week[day]
        ]
    return found


def _read_block(begin_text: str, end_text: str) -> Block:
    typed = Block(begin_text, end_text)
    if typed.is_blank:
        return typed
    begin, end = read_time(begin_text), read_time(end_text)
    if not begin_text or not end_text:
        return replace(typed, fault="Say when it ends." if begin_text else "Say when it begins.")
    if begin is None or end is None:
        wrong = begin_text if begin is None else end_text
        return replace(typed, fault=f"“{wrong}” is no time. Write it as 09:00; midnight at the end is 24:00.")
    block = Block(begin, end)
    if begin == "24:00":
        return replace(block, fault="Nothing begins at 24:00: write 00:00, on the next day.")
    if begin == end:
        return replace(block, fault="It ends when it begins. A whole day is 00:00 to 24:00.")
    if begin > end:
        return replace(block, note=f"Over midnight: it ends at {end} on the next day.")
    return block


def _beside(block: Block, before: Sequence[Block]) -> Block:
    mine = block.minutes
    for other in before:
        theirs = None if other.fault else other.minutes
        if mine is None or theirs is None:
            continue
        if mine[0] < theirs[1] and theirs[0] < mine[1]:
            return replace(block, fault=f"It overlaps with {other.begin} to {other.end}.")
    return block


def _minutes(text: str) -> int | None:
    return int(text[:2]) * 60 + int(text[3:]) if len(text) == 5 and text[2] == ":" else None


def week_words(week: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """ "Mon–Thu 09:00–12:30, 13:15–18:00; Fri 09:00–17:00": neighbouring days of the same hours together."""
    runs: list[tuple[list[str], str]] = []
    for day in WEEKDAYS:
        hours = ", ".join(f"{begin}–{end}" for begin, end in week.get(day) or ())
        if runs and runs[-1][1] == hours:
            runs[-1][0].append(day)
        else:
            runs.append(([day], hours))
    told = []
    for days, hours in runs:
        span = days[0].capitalize() + (f"–{days[-1].capitalize()}" if len(days) > 1 else "")
        told += [f"{span} {hours}"] if hours else []
    return "; ".join(told)
