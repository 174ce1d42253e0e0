"""What people do to a draft or a version: ask for agreement, answer, watch, take back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from definitions.agreement import drafts, forms, watching
from definitions.agreement import signing as agreement
from definitions.agreement.drafts import AgreementError, Line, Refused, Stale, load_line
from definitions.agreement.parties import team_names
from definitions.models import Version
from definitions.sections import Fault
from definitions.views import draft_address, get_line
from effects.tick import now_utc
from teams.access import person_of
from teams.models import Person


@dataclass(frozen=True)
class Asked:
    """One press of a button."""

    line: Line
    by: Person
    posted: QueryDict
    now: datetime

    @property
    def draft(self) -> Version:
        """The open draft, else the version that was shown. Raises Stale."""
        number = self.posted.get("version", "")
        found = next((v for v in self.line.versions if str(v.number) == number), self.line.draft)
        if found is None:
            raise Stale("The draft is gone: it was agreed or discarded meanwhile.")
        return found

    @property
    def revision(self) -> int | None:
        text = self.posted.get("revision", "")
        return int(text) if text.isdecimal() and len(text) < 9 else None


def _propose(asked: Asked) -> str:
    try:
        wanted = forms.read_moment(asked.posted.get("wanted_from", ""), asked.by.zone)
    except ValueError:
        raise AgreementError("Write the day and time as in 2026-09-01 08:00.") from None
    wanted = wanted.astimezone(UTC) if wanted else None
    found = agreement.propose(
        asked.draft, asked.by, asked.now, revision=asked.revision, wanted_from=wanted,
        signs=asked.posted.getlist("signs"),
    )  # fmt: skip
    if found.state == Version.State.SIGNED:
        return f"Version {found.number} is in force."
    names = team_names(agreement.missing_teams(found))
    return f"Asked {' and '.join(names.values())} to agree to version {found.number}."


def _sign(asked: Asked) -> str:
    team = asked.posted.get("team", "")
    found = agreement.sign(asked.draft, team, asked.by, asked.now, revision=asked.revision)
    name = team_names([team]).get(team, team)
    if found.state == Version.State.SIGNED and found.effective_from:
        begins = (
            "now"
            if found.effective_from <= asked.now
            else f"{found.effective_from.astimezone(asked.by.zone):%d %b %Y, %H:%M}"
        )
        return f"Agreed for {name}. All teams have: in force from {begins}."
    return f"Agreed for {name}."


def _object(asked: Asked) -> str:
    agreement.object(
        asked.draft, asked.posted.get("team", ""), asked.by, asked.posted.get("text", ""), asked.now
    )
    return "Sent back to its author, with your reason."


def _withdraw(asked: Asked) -> str:
    found = agreement.withdraw(asked.draft, asked.by, asked.now)
    return "It is a draft again." if found.state == Version.State.DRAFT else "It will not come into force."


def _discard(asked: Asked) -> str:
    drafts.discard(asked.draft, asked.by, asked.now)
    return "The draft is discarded; its words stay in the history."


def _rebase(asked: Asked) -> str:
    drafts.rebase(asked.draft, asked.by, asked.now)
    return "What changed since is taken over. Look at the draft once more."


def _watch(asked: Asked) -> str:
    text = asked.posted.get("days", "14")
    found = watching.watch(asked.draft, asked.by, asked.now, days=int(text) if text.isdecimal() else 0)
    until = found.watch_until.astimezone(asked.by.zone) if found.watch_until else asked.now
    return f"Watching until {until:%d %b %Y}. Nothing changes; the report fills as records are judged."


def _stop_watching(asked: Asked) -> str:
    watching.stop(asked.draft, asked.by, asked.now)
    return "No longer watching."


def _roll_back(asked: Asked) -> str:
    text = asked.posted.get("number", "")
    number = int(text) if text.isdecimal() and len(text) < 7 else 0
    agreement.roll_back(asked.line.section, asked.line.key, number, asked.by, asked.now)
    return f"A draft with the words of version {number} is open. Ask for agreement to put it in force."


def _retire(asked: Asked) -> str:
    agreement.retire(asked.line.section, asked.line.key, asked.by, asked.now)
    return "Out of force. What was judged by it stays as it was."


ACTS: Mapping[str, Callable[[Asked], str]] = {
    "propose": _propose, "sign": _sign, "object": _object, "withdraw": _withdraw, "discard": _discard,
    "rebase": _rebase, "watch": _watch, "stop_watching": _stop_watching, "roll_back": _roll_back, "retire": _retire,
}  # fmt: skip


@require_POST
def act(request: HttpRequest, section: str, key: str, act: str) -> HttpResponse:
    """One act; what forbids it is said on the page it was asked from."""
    _, line = get_line(section, key)
    if act not in ACTS:
        raise Http404
    try:
        said = ACTS[act](Asked(line, person_of(request), request.POST, now_utc()))
    except Refused as error:
        for fault in error.faults[:5]:
            messages.warning(request, f"{error.text} {_placed(fault, section, key)}")
    except AgreementError as error:
        messages.warning(request, error.text)
    else:
        messages.success(request, said)
    draft = load_line(section, key).draft
    return redirect(draft_address(draft) if draft else reverse("definitions:item", args=[section, key]))


def _placed(fault: Fault, section: str, key: str) -> str:
    where = (fault.section, fault.key) if (fault.section, fault.key) != (section, key) else ()
    parts = [str(part) for part in (*where, *fault.path) if part != ""]
    return f"{' › '.join(parts)}: {fault.text}" if parts else fault.text
