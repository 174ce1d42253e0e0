"""What the pages of appeals show, with names as ``slas/visibility.py`` allows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from slas.appeals.acts import may_decide, may_withdraw
from slas.appeals.reasons import SAYINGS, SAYINGS_OF_OTHERS, Suggestion
from slas.models import Appeal
from slas.visibility import Names
from teams.models import Person

STATE_WORDS: Final = {
    "open": ("Waiting", "soon", "hourglass-split"),
    "granted": ("Does not count", "info", "patch-check-fill"),
    "refused": ("Counts", "neutral", "x-circle"),
    "withdrawn": ("Taken back", "neutral", "arrow-counterclockwise"),
}


@dataclass(frozen=True)
class Line:
    """One appeal as a page shows it. ``who``: against whom it counts; ``by``: who decided, in words."""

    appeal: Appeal
    who: str
    by: str
    may_decide: bool
    may_withdraw: bool

    @property
    def saying(self) -> str:
        return SAYINGS.get(self.appeal.reason, self.appeal.reason)

    @property
    def words(self) -> tuple[str, str, str]:
        return STATE_WORDS[self.appeal.state]


@dataclass(frozen=True)
class Reason:
    """One choice of the form. ``text``: what the data shows; ``is_proved``: it is granted at once."""

    key: str
    saying: str
    text: str = ""
    is_proved: bool = False


def line_of(appeal: Appeal, viewer: Person, names: Names, teams: Collection[str]) -> Line:
    """``appeal`` ``with_clock``; ``teams`` the viewer decides for."""
    concerned = (appeal.opened_by_id, appeal.person_id)
    is_open = appeal.state == Appeal.State.OPEN
    team = appeal.team.key if appeal.team else ""
    return Line(
        appeal=appeal,
        who=_who(appeal, names),
        by=_by(appeal, names),
        may_decide=is_open and may_decide(viewer, team, concerned, frozenset(teams)),
        may_withdraw=is_open and may_withdraw(viewer, concerned),
    )


def _who(appeal: Appeal, names: Names) -> str:
    team = appeal.clock.team.name if appeal.clock.team else "A colleague"
    if appeal.person is None:
        return "Somebody who left"
    return names.of(appeal.person_id, appeal.person.name, team)


def _by(appeal: Appeal, names: Names) -> str:
    if appeal.was_proved:
        return "The data shows it"
    if appeal.decided_at is None or appeal.state == Appeal.State.WITHDRAWN:
        return ""
    team = appeal.team.name if appeal.team else "RevOps"
    return names.of(appeal.decided_by_id, appeal.decided_by.name, team) if appeal.decided_by else team


def reasons(shown: Sequence[Suggestion], *, is_self: bool = True) -> tuple[list[Reason], list[Reason]]:
    """(what the data shows, what else somebody may say), as the person says it or as others say it of them."""
    sayings = SAYINGS if is_self else SAYINGS_OF_OTHERS
    told: Mapping[str, Suggestion] = {s.reason: s for s in shown}
    first = [Reason(s.reason, sayings[s.reason], s.text, s.is_proved) for s in shown]
    return first, [Reason(key, saying) for key, saying in sayings.items() if key not in told]
