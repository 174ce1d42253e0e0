"""Drafts: what the model shall say next, edited by several people at once without losing anybody's words.

One thing of the model has at most one open draft. ``revision`` counts its edits: who saves an older one is told who
changed what since (``Conflict``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pghistory
from django.apps import apps
from django.db import transaction

from definitions.agreement.differences import merged
from definitions.agreement.parties import may_edit, parties, team_names
from definitions.models import Version, WatchedJudgement
from definitions.sections import Body, Fault, Part, sections
from definitions.versions import latest_agreed, lock_model
from teams.models import Person

OPEN = (Version.State.DRAFT, Version.State.PROPOSED)


class AgreementError(ValueError):
    """An act that can't be done now; ``text`` says why and what to do instead."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


class NotYours(AgreementError):
    """Somebody else's to decide."""


class Stale(AgreementError):
    """It was done, or overtaken, already."""


class Refused(AgreementError):
    """The body has faults; ``faults`` names each."""

    def __init__(self, text: str, faults: Sequence[Fault]) -> None:
        self.faults = [*faults]
        super().__init__(text)


class Conflict(AgreementError):
    """Somebody saved the draft since it was read. ``base`` is what both began from, None when it is not known."""

    def __init__(self, theirs: Version, mine: Body, base: Body | None) -> None:
        self.theirs, self.mine, self.base = theirs, mine, base
        who = theirs.edited_by or theirs.created_by
        super().__init__(f"{who.name if who else 'Somebody'} saved this draft while you were editing it.")

    @property
    def both(self) -> tuple[Body, list[tuple[Part, ...]]]:
        """Both edits in one body, and the paths that both changed, where mine stands."""
        return merged(self.base if self.base is not None else self.theirs.body, self.mine, self.theirs.body)


@dataclass(frozen=True)
class Line:
    """All that is known of one thing of the model, newest first. ``latest``: agreed, in force or beginning later."""

    section: str
    key: str
    versions: tuple[Version, ...]
    latest: Version | None

    @property
    def draft(self) -> Version | None:
        """The version that is being written or waits for agreement."""
        return next((v for v in self.versions if v.state in OPEN), None)


@contextmanager
def acting(act: str, section: str, key: str, by: Person | None, **told: Any) -> Iterator[None]:
    """One act upon the model: one at a time, all or nothing, kept in the history with who did it."""
    with (
        transaction.atomic(),
        pghistory.context(model_act=act, model_item=f"{section}/{key}", by=by.email if by else "", **told),
    ):
        lock_model()
        yield


def load_line(section: str, key: str) -> Line:
    """Four queries."""
    versions = (
        Version.objects.filter(section=section, key=key)
        .select_related("created_by", "edited_by", "proposed_by", "based_on")
        .prefetch_related("signatures__team", "signatures__person", "objections__team", "objections__person")
        .order_by("-number")
    )
    return Line(section, key, tuple(versions), latest_agreed(section, key))


def open_draft(
    section: str, key: str, by: Person, now: datetime, body: Body | None = None, *, note: str = ""
) -> Version:
    """The open draft, or a new one of ``body``, by default of what is in force.

    Raises NotYours; Stale while another version waits for agreement or the open draft says something else."""
    with acting("open_draft", section, key, by):
        line = load_line(section, key)
        refuse_outsiders(by, line, body, now)
        draft = line.draft
        if draft is not None:
            return _same_draft(draft, body)
        if body is None and line.latest is None:
            raise Stale("Nothing of this name is in force; say what the new one shall be.")
        told = body if body is not None else line.latest.body if line.latest else {}
        return Version.objects.create(
            section=section,
            key=key,
            number=max((v.number for v in line.versions), default=0) + 1,
            body=dict(told),
            created_at=now,
            created_by=by,
            edited_at=now,
            edited_by=by,
            note=note,
            based_on=line.latest,
        )


def _same_draft(draft: Version, body: Body | None) -> Version:
    if draft.state == Version.State.PROPOSED:
        raise Stale(f"{named(draft)} waits for agreement. Withdraw it first, or wait for its answer.")
    if body is not None and draft.body != dict(body):
        who = draft.edited_by or draft.created_by
        raise Stale(
            f"There is a draft already: {named(draft)}{f', by {who.name}' if who else ''}. "
            "Edit or discard that one first."
        )
    return draft


def save(
    version: Version, body: Body, revision: int, by: Person, now: datetime, *, note: str | None = None
) -> Version:
    """Put ``body`` into a draft whose ``revision`` was read. The same body again changes nothing.

    Faults in the body don't forbid it: nothing typed is lost. Raises Conflict, NotYours, and Stale for what is no
    draft any more."""
    with acting("save", version.section, version.key, by):
        line = load_line(version.section, version.key)
        found = _fresh(version)
        refuse_outsiders(by, line, None, now)
        if found.state != Version.State.DRAFT:
            raise Stale(f"{named(found)} is no draft any more: {_since(found)}.")
        note = found.note if note is None else note
        if found.body == dict(body) and found.note == note:
            return found
        if found.revision != revision:
            raise Conflict(found, dict(body), body_at(found, revision))
        _edit(found, dict(body), by, now, note=note)
        return _fresh(found)


def discard(version: Version, by: Person, now: datetime) -> Version:
    """Throw a draft away; its text stays in the history. Twice is once."""
    with acting("discard", version.section, version.key, by):
        found = _fresh(version)
        refuse_outsiders(by, load_line(version.section, version.key), None, now)
        if found.state == Version.State.RETIRED and found.effective_from is None:
            return found
        if found.state != Version.State.DRAFT:
            raise Stale(f"{named(found)} is no draft any more: {_since(found)}.")
        Version.objects.filter(pk=found.pk).update(
            state=Version.State.RETIRED, retired_at=now, watch_until=None
        )
        WatchedJudgement.objects.filter(version=found).delete()
        return _fresh(found)


def rebase(version: Version, by: Person, now: datetime) -> Version:
    """Put a draft upon what came into force since it was begun; where both changed the same, the draft stands."""
    with acting("rebase", version.section, version.key, by):
        line = load_line(version.section, version.key)
        found = _fresh(version)
        refuse_outsiders(by, line, None, now)
        if found.state != Version.State.DRAFT:
            raise Stale(f"{named(found)} is no draft any more: {_since(found)}.")
        if line.latest is None or found.based_on_id == line.latest.pk:
            return found
        base = found.based_on.body if found.based_on else {}
        body, _ = merged(base, found.body, line.latest.body)
        _edit(found, body, by, now, based_on=line.latest)
        return _fresh(found)


def has_been_overtaken(version: Version, latest: Version | None) -> bool:
    """Whether something else was agreed since the draft was begun."""
    return latest is not None and latest.pk != version.pk and version.based_on_id != latest.pk


def body_at(version: Version, revision: int) -> Body | None:
    """The draft's body as it stood at ``revision``; None when the history doesn't have it. One query."""
    kept = apps.get_model("definitions", "VersionEvent")._default_manager
    found: Mapping[str, Any] | None = (
        kept.filter(pgh_obj_id=version.pk, revision=revision)
        .order_by("-pgh_id")
        .values_list("body", flat=True)
        .first()
    )
    return found


def refuse_outsiders(by: Person, line: Line, body: Body | None, now: datetime) -> None:
    """Raises NotYours unless ``by`` has a say in it. What is wholly new is for admins."""
    bodies = [v.body for v in (line.latest, line.draft) if v is not None]
    if not bodies and not by.is_admin:
        raise NotYours("Only RevOps adds something new to the model.")
    if not may_edit(by, bodies or [body or {}], now):
        names = team_names(parties(*bodies)).values()
        raise NotYours(f"Only a manager or leader of {_either([*names])} or RevOps changes this.")


def named(version: Version) -> str:
    """ "Version 3" """
    return f"Version {version.number}"


def title_of(version: Version) -> str:
    """What people call the thing; its key where a draft has no name yet."""
    section = sections().get(version.section)
    return (section.title(version.body) if section else "") or version.key


def _edit(found: Version, body: dict[str, Any], by: Person, now: datetime, **more: Any) -> None:
    # What was watched was another text.
    WatchedJudgement.objects.filter(version=found).delete()
    Version.objects.filter(pk=found.pk).update(
        body=body,
        revision=found.revision + 1,
        edited_at=now,
        edited_by=by,
        population_after=None,
        population_done_at=None,
        **more,
    )


def _fresh(version: Version) -> Version:
    return Version.objects.select_related("created_by", "edited_by", "proposed_by", "based_on").get(
        pk=version.pk
    )


def _since(version: Version) -> str:
    if version.state == Version.State.PROPOSED:
        who = f" by {version.proposed_by.name}" if version.proposed_by else ""
        return f"the teams were asked for their agreement{who}"
    if version.state == Version.State.SIGNED:
        return "it was agreed"
    return "it was withdrawn" if version.effective_from is None else "it was retired"


def _either(names: Sequence[str]) -> str:
    return " or ".join(names) if names else "no team"
