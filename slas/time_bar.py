"""Segments as the one bar of the explanation page draws them (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby

from slas.split import CLOSED, SYSTEM, Segment
from slas.visibility import Names

MOST_STRETCHES = 14
CLOSED_SHARE = 0.35
"""A night is long and says little: drawn at most this large beside all that was open."""

A_DAY = 86_400
TONES = {"marketing": "sky", "sdr": "amber", "sales": "green", "cs": "pink", "product": "violet"}
OTHER_TONE = "indigo"


@dataclass(frozen=True)
class TeamLook:
    """What a bar shows of a team: its name, and the colour of its lane."""

    name: str
    tone: str


@dataclass(frozen=True)
class Stretch:
    """One stretch, as the ``time_bar`` tag takes it. ``drawn``: seconds to draw instead of the true ones."""

    label: str
    tone: str
    seconds: int
    key: str
    mark: str
    drawn: int = 0


def look_of(name: str, purpose: str) -> TeamLook:
    return TeamLook(name, TONES.get(purpose, OTHER_TONE))


def stretches(
    segments: Sequence[Segment], teams: Mapping[str, TeamLook], names: Names, zone: tzinfo, last_mark: str
) -> list[Stretch]:
    """Neighbours that look the same are one; too many of them are told as open and closed hours per holder."""
    found = _joined(_stretch(segment, teams, names, zone) for segment in segments)
    if len(found) > MOST_STRETCHES:
        found = list(_by_holder(segments, teams, names, zone))
    return _marked(
        _closed_kept_small([stretch for stretch, _ in found]), [end for _, end in found], zone, last_mark
    )


def _stretch(
    segment: Segment, teams: Mapping[str, TeamLook], names: Names, zone: tzinfo
) -> tuple[Stretch, Segment]:
    if segment.party == CLOSED:
        return Stretch("closed", "closed", segment.seconds, "Closed", ""), segment
    if segment.party == SYSTEM:
        return Stretch(segment.who, "slate", segment.seconds, "System", ""), segment
    team = teams.get(segment.team, TeamLook(segment.team or segment.who, OTHER_TONE))
    label = names.of(segment.person_id, segment.who, team.name)
    return Stretch(label, team.tone, segment.seconds, team.name, ""), segment


def _joined(pieces: Iterable[tuple[Stretch, Segment]]) -> list[tuple[Stretch, Segment]]:
    found: list[tuple[Stretch, Segment]] = []
    for (label, tone, key), group in groupby(pieces, key=lambda p: (p[0].label, p[0].tone, p[0].key)):
        items = list(group)
        whole = replace(items[0][1], end=items[-1][1].end)
        found.append((Stretch(label, tone, sum(s.seconds for s, _ in items), key, ""), whole))
    return found


def _by_holder(
    segments: Sequence[Segment], teams: Mapping[str, TeamLook], names: Names, zone: tzinfo
) -> Iterable[tuple[Stretch, Segment]]:
    for _, group in groupby(segments, key=lambda s: (s.who, s.person_id)):
        held = [_stretch(segment, teams, names, zone) for segment in group]
        for is_closed in (False, True):
            of_kind = [p for p in held if (p[0].tone == "closed") == is_closed]
            if of_kind:
                seconds = sum(s.seconds for s, _ in of_kind)
                yield replace(of_kind[0][0], seconds=seconds), replace(of_kind[0][1], end=held[-1][1].end)


def _closed_kept_small(found: list[Stretch]) -> list[Stretch]:
    closed = sum(s.seconds for s in found if s.tone == "closed")
    room = int(sum(s.seconds for s in found if s.tone != "closed") * CLOSED_SHARE)
    if not room or closed <= room:
        return found
    return [
        replace(s, drawn=max(1, s.seconds * room // closed))
        if s.tone == "closed"
        else replace(s, drawn=s.seconds)
        for s in found
    ]


def _marked(found: list[Stretch], ends: Sequence[Segment], zone: tzinfo, last_mark: str) -> list[Stretch]:
    """The moment at the end of each stretch; where it passes to somebody, that it does."""
    marked = []
    for i, stretch in enumerate(found):
        if i + 1 == len(found):
            mark = last_mark
        else:
            mark = moment_words(ends[i].end, zone)
            mark += " owner set" if stretch.key == "System" else ""
        label = stretch.label
        if stretch.tone == "closed" and stretch.seconds < A_DAY:
            begin, end = (at.astimezone(zone) for at in (ends[i].begin, ends[i].end))
            label = f"closed {begin:%H:%M} – {end:%H:%M}"
        marked.append(replace(stretch, mark=mark, label=label))
    return marked


def moment_words(at: datetime, zone: tzinfo) -> str:
    """ "Thu 15:35"."""
    return f"{at.astimezone(zone):%a %H:%M}"
