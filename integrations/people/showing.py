"""The proposals as an admin reads them, and the queues with who takes from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.people.applying import APPLY, KEEP, OUT, SAME
from integrations.people.planning import Change, Proposal, State
from records.models import OwnerMatch
from teams.models import PeopleRule, Person, Team

TO_DECIDE = (State.NEW, State.UNCLEAR, State.CHANGED, State.LEFT)
WORDS = {
    State.NEW: ("New", "info"),
    State.UNCLEAR: ("Who is it?", "soon"),
    State.CHANGED: ("Changed", "info"),
    State.LEFT: ("Switched off there", "late"),
    State.OUT: ("Left out", "neutral"),
    State.GONE: ("Left before", "neutral"),
    State.SAME: ("As it is", "ok"),
}


@dataclass(frozen=True)
class Row:
    """``choices``: (value, words), the first is what is proposed; none where there is nothing to choose."""

    proposal: Proposal
    word: str
    severity: str
    lines: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return self.proposal.person.name if self.proposal.person else self.proposal.wanted.name

    @property
    def crms(self) -> str:
        return ", ".join(
            f"{owner.crm}{f' ({owner.role})' if owner.role else ''}" for owner in self.proposal.owners
        )

    @property
    def is_left(self) -> bool:
        return self.proposal.state is State.LEFT


class Words:
    """Names for the ids and keys that proposals speak of. Two queries."""

    def __init__(self, proposals: Iterable[Proposal]) -> None:
        self.teams = dict(Team.objects.values_list("pk", "name"))
        people = dict(Person.objects.values_list("pk", "name"))
        self._names: dict[Any, str] = dict(people)
        self._names |= {f"p{pk}": name for pk, name in people.items()}
        self._names |= {one.key: one.wanted.name for one in proposals if one.person is None}

    def row(self, one: Proposal) -> Row:
        word, severity = WORDS[one.state]
        return Row(one, word, severity, tuple(self._lines(one)), tuple(_choices(one)))

    def _lines(self, one: Proposal) -> Iterable[str]:
        if one.state in (State.NEW, State.UNCLEAR):
            wanted = one.wanted
            if wanted.team is not None:
                yield f"Team {self.teams.get(wanted.team, '')}"
            elif one.state is State.NEW:
                yield "Added without a team: no rule says which"
            if wanted.manager is not None:
                yield f"Manager {self._names.get(wanted.manager, '')}"
            if wanted.has_reports:
                yield "Leads people there: gets the role Manager"
        for change in one.changes:
            yield self._change(change)
        yield from one.notes

    def _change(self, change: Change) -> str:
        if change.what == "is_active":
            return "Switched on there again: active here, too"
        if change.what == "name":
            return f"Name: {change.before} → {change.after}"
        if change.what == "team":
            return f"Team: {self.teams.get(change.before, 'none')} → {self.teams.get(change.after, '')}"
        before, after = self._names.get(change.before, "nobody"), self._names.get(change.after, "")
        return f"Manager: {before} → {after}"


def _choices(one: Proposal) -> Iterable[tuple[str, str]]:
    same: list[tuple[str, str]] = [
        (f"{SAME}{person.pk}", f"Is {person.name} ({person.email})") for person in one.candidates
    ]
    match one.state:
        case State.NEW:
            yield from [(APPLY, "Add"), (OUT, "Leave out"), ("", "Decide later")]
        case State.UNCLEAR:
            yield ("", "Decide later")
            yield from same
            if one.wanted.email:
                yield (APPLY, "Is somebody else: add" if same else "Add")
            yield (OUT, "Leave out")
        case State.CHANGED:
            yield from [(APPLY, "Change it here"), (KEEP, "Keep what is here"), ("", "Decide later")]
        case State.OUT:
            yield from [("", "Leave out"), (KEEP, "Propose again")]


def shown(rows: Sequence[Row], state: str, text: str) -> list[Row]:
    """Those of a state ("" for all that wait for a decision, "all" for everybody) whose name, address or CRM role has
    every word of a text."""
    words = text.casefold().split()
    return [
        row
        for row in rows
        if (state == "all" or row.proposal.state == state or (not state and row.proposal.state in TO_DECIDE))
        and all(word in f"{row.name} {row.proposal.wanted.email} {row.crms}".casefold() for word in words)
    ]


def table(rows: Iterable[Row]) -> tuple[list[str], Iterable[list[Any]]]:
    header = ["Name", "E-mail", "Owner in", "What", "Proposed", "Remote ids"]
    return header, (
        [
            row.name,
            row.proposal.wanted.email,
            row.crms,
            row.word,
            "; ".join(row.lines),
            " ".join(owner.key[1] for owner in row.proposal.owners),
        ]
        for row in rows
    )


# --- queues ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Queue:
    """``members``: (name, whether they still work there), None where the CRM does not tell."""

    name: str
    crm: str
    members: tuple[tuple[str, bool], ...] | None

    @property
    def is_unwatched(self) -> bool:
        return self.members is not None and not any(is_active for _, is_active in self.members)


def load_queues() -> list[Queue]:
    """Every queue of the CRMs. Two queries."""
    queues = list(
        OwnerMatch.objects.filter(kind=OwnerMatch.Kind.QUEUE)
        .select_related("connection")
        .order_by("name", "pk")
    )
    wanted = {member for queue in queues for member in queue.members or ()}
    members = {
        (row.connection_id, row.remote_id): row for row in OwnerMatch.objects.filter(remote_id__in=wanted)
    }
    return [
        Queue(
            queue.name,
            queue.connection.label,
            None
            if queue.members is None
            else tuple(
                (row.name, row.is_active)
                for one in queue.members
                if (row := members.get((queue.connection_id, one))) is not None
            ),
        )
        for queue in queues
    ]


# --- rules -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """A word of the CRMs for what somebody does, how many active owners it is of, and the team it means here."""

    source: str
    text: str
    crms: str
    n: int
    team: int | None
    is_ruled: bool

    @property
    def field(self) -> str:
        return f"{self.source}:{self.text}"

    @property
    def source_word(self) -> str:
        return PeopleRule.Source(self.source).label


def load_words(rules: Mapping[tuple[str, str], int | None]) -> list[Word]:
    """Every role and team that an active owner has, the most frequent first; and rules of words nobody has now. One
    query."""
    counts: Counter[tuple[str, str]] = Counter()
    crms: dict[tuple[str, str], set[str]] = defaultdict(set)
    texts: dict[tuple[str, str], str] = {}
    rows = OwnerMatch.objects.filter(kind=OwnerMatch.Kind.PERSON, is_active=True)
    for crm, role, teams in rows.values_list("connection__label", "role", "teams"):
        for source, text in [("role", role), *(("team", team) for team in teams)]:
            if text:
                name = (source, text.lower())
                counts[name] += 1
                crms[name].add(crm)
                texts.setdefault(name, text)
    found = [
        Word(
            source, texts[source, low], ", ".join(sorted(crms[source, low])), n,
            rules.get((source, low)), (source, low) in rules,
        )
        for (source, low), n in counts.most_common()
    ]  # fmt: skip
    return found + [
        Word(s, low, "", 0, team, True) for (s, low), team in rules.items() if (s, low) not in counts
    ]
