"""What people do to the model: write a draft, ask for agreement, answer, watch, and look at whom it concerns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from definitions.agreement import drafts, forms, watching
from definitions.agreement import signing as agreement
from definitions.agreement.differences import in_trees, in_words
from definitions.agreement.drafts import AgreementError, Conflict, Line, NotYours, Refused, Stale, load_line
from definitions.agreement.impact import judges_records, records_that_change
from definitions.agreement.parties import team_names
from definitions.agreement.speaking import speaker
from definitions.bodies import STAGES
from definitions.builder.outcomes import TooSlow
from definitions.catalogue import catalogue_from_db
from definitions.files.model_files import MAX_KEY, faults_of
from definitions.files.model_yaml import Unreadable, read_yaml, write_yaml
from definitions.in_force import load_typed_model
from definitions.model_list import sentence_of
from definitions.models import Version
from definitions.sections import Fault, Section, sections
from definitions.versions import load_model
from definitions.views import get_line, get_version
from effects.tick import now_utc
from records.csv_files import csv_streamed
from records.models import Connection, Record
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

PER_PAGE = 50


# --- writing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Editing:
    """What is being edited: the draft there is, or what a new one would begin with."""

    section: Section
    key: str
    version: Version | None
    body: Mapping[str, Any]
    revision: int


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest, section: str) -> HttpResponse:
    """Something that the model doesn't have yet."""
    told = sections().get(section)
    if told is None:
        raise Http404
    viewer = person_of(request)
    if told.pages.new and _asks_for_form(request):
        return redirect(told.pages.new)
    editing = Editing(told, "", None, _beginning(section), 0)
    if request.method != "POST":
        return _form(request, editing)
    key = request.POST.get("key", "").strip() or forms.key_of(request.POST.get("name", ""))
    fault = key_fault(section, key)
    return _save(request, editing, key, viewer, fault)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """The draft, or what is in force as the beginning of one; nothing is opened before something is saved."""
    told, line = get_line(section, key)
    viewer = person_of(request)
    if told.pages.edit and _asks_for_form(request):
        return redirect(told.pages.edit, key)
    try:
        drafts.refuse_outsiders(viewer, line, None, now_utc())
    except NotYours as error:
        messages.warning(request, error.text)
        return redirect("definitions:item", section, key)
    draft = line.draft
    if draft is not None and draft.state == Version.State.PROPOSED:
        messages.warning(request, f"Version {draft.number} waits for agreement. Withdraw it to change it.")
        return redirect(draft_address(draft))
    base = draft or line.latest or line.versions[0]
    editing = Editing(told, key, draft, base.body, draft.revision if draft else 0)
    if request.method != "POST":
        return _form(request, editing)
    return _save(request, editing, key, viewer)


def _asks_for_form(request: HttpRequest) -> bool:
    return request.method != "POST" and request.GET.get("as") != "yaml"


def _save(request: HttpRequest, editing: Editing, key: str, viewer: Person, fault: str = "") -> HttpResponse:
    posted = request.POST
    body, form, faults = _read(request, editing)
    if fault:
        faults = [Fault(("key",), "key", fault), *faults]
    if "add" in posted or "move" in posted or "remove" in posted:
        if body is not None and posted.get("add") in {"exclusions", "variants", "stages"}:
            body = forms.with_row_added(editing.section.name, body, posted["add"])
            form = forms.show(editing.section.name, body, _choices())
        return _form(request, editing, form=form, key=key)
    if body is None or faults or (form is not None and form.has_faults):
        return _form(request, editing, form=form, faults=faults, key=key, status=422)
    return store_draft(request, editing, key, viewer, body)


def store_draft(
    request: HttpRequest, editing: Editing, key: str, viewer: Person, body: Mapping[str, Any]
) -> HttpResponse:
    """Save what was typed; when somebody else did meanwhile, show both."""
    now = now_utc()
    revision = int(text) if (text := request.POST.get("revision", "")).isdecimal() else 0
    try:
        if revision == 0:
            line = load_line(editing.section.name, key)
            if line.draft is not None and line.draft.body != dict(body):
                # Somebody began a draft since this form was opened: both begin from the same.
                raise Conflict(line.draft, body, line.draft.based_on.body if line.draft.based_on else None)
            opened = drafts.open_draft(editing.section.name, key, viewer, now, body)
            saved = opened
        else:
            line = load_line(editing.section.name, key)
            if line.draft is None:
                raise Stale(
                    "The draft is gone: it was agreed or discarded meanwhile. Your words stand below."
                )
            saved = drafts.save(line.draft, body, revision, viewer, now)
    except Conflict as conflict:
        return _conflict(request, editing, key, conflict)
    except AgreementError as error:
        return _form(
            request, editing, form=_shown(editing, body), key=key, faults=[Fault((), "refused", error.text)],
            status=422, yaml=write_yaml(dict(body)),
        )  # fmt: skip
    messages.success(
        request, f"Saved as version {saved.number}, a draft. Nothing changes until it is agreed."
    )
    return redirect(draft_address(saved))


def _read(
    request: HttpRequest, editing: Editing
) -> tuple[dict[str, Any] | None, forms.BodyForm | None, list[Fault]]:
    """(body, form where there is one, faults that forbid keeping it)."""
    posted = request.POST
    name = editing.section.name
    if "json" in posted:
        try:
            value = json.loads(posted["json"])
        except ValueError:
            value = None
        return (value if isinstance(value, dict) else None), None, []
    if "yaml" in posted or not forms.has_form(name):
        text = posted.get("yaml", "")
        try:
            value, _ = read_yaml(text)
        except Unreadable as error:
            return None, None, error.faults
        if not isinstance(value, dict):
            return None, None, [Fault((), "not_a_mapping", "write it as “name: value” lines")]
        return value, None, []
    form = forms.read(name, posted, editing.body, _choices())
    return form.body, form, []


def _shown(editing: Editing, body: Mapping[str, Any]) -> forms.BodyForm | None:
    name = editing.section.name
    return forms.show(name, body, _choices()) if forms.has_form(name) else None


def _form(
    request: HttpRequest,
    editing: Editing,
    *,
    form: forms.BodyForm | None = None,
    faults: list[Fault] | None = None,
    key: str = "",
    status: int = 200,
    yaml: str = "",
) -> HttpResponse:
    posted = request.POST if request.method == "POST" else QueryDict()
    name = editing.section.name
    as_yaml = "yaml" in posted or request.GET.get("as") == "yaml" or not forms.has_form(name)
    text = posted.get("yaml") or yaml or write_yaml(dict(editing.body))
    context = {
        "editing": editing,
        "section": editing.section,
        "key": key or editing.key,
        "is_new": not editing.key,
        "title": editing.section.title(editing.body) or editing.key,
        "form": None if as_yaml else form or forms.show(name, editing.body, _choices()),
        "yaml": text,
        "yaml_lines": max(12, min(40, text.count("\n") + 3)),
        "faults": faults if faults is not None else _standing_faults(editing),
        "is_refused": status != 200,
        "form_href": _form_href(editing),
        "revision": posted.get("revision", editing.revision),
        "object": str(editing.body.get("object") or "person"),
    }
    return render(request, "definitions/edit.html", context, status=status)


def _form_href(editing: Editing) -> str:
    """The form beside the file, "" for a section without one."""
    pages = editing.section.pages
    own = (
        (reverse(pages.edit, args=[editing.key]) if editing.key else reverse(pages.new)) if pages.edit else ""
    )
    return own or ("?" if forms.has_form(editing.section.name) else "")


def _standing_faults(editing: Editing) -> list[Fault]:
    """What is wrong with a draft as it was saved; nothing of what is only beginning."""
    if editing.version is None:
        return []
    found = faults_of(editing.section.name, editing.key, editing.version.body, now_utc())
    try:
        _, lines = read_yaml(write_yaml(dict(editing.version.body)))
    except Unreadable:
        return found
    return [f.at(section="", key="", line=_line_of(f, lines)) for f in found]


def _line_of(fault: Fault, lines: Mapping[tuple[str | int, ...], int]) -> int:
    path = fault.path
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _conflict(request: HttpRequest, editing: Editing, key: str, conflict: Conflict) -> HttpResponse:
    """Both edits, readably: what they changed, what you changed, and what the two differ in."""
    speak = speaker(catalogue_from_db(), team_names())
    theirs, mine = conflict.theirs, conflict.mine
    both, clashes = conflict.both
    context = {
        "section": editing.section,
        "key": key,
        "title": editing.section.title(theirs.body) or key,
        "conflict": conflict,
        "theirs": theirs,
        "their_changes": in_words(conflict.base, theirs.body, speak) if conflict.base is not None else None,
        "my_changes": in_words(conflict.base, mine, speak) if conflict.base is not None else None,
        "between": in_words(theirs.body, mine, speak),
        "trees": [tree for tree in in_trees(theirs.body, mine, speak) if not tree.is_same],
        "can_keep_both": not clashes and both not in (theirs.body, mine),
        "clashes": [" › ".join(map(str, path)) for path in clashes],
        "mine_json": json.dumps(mine),
        "both_json": json.dumps(both),
        "draft_href": draft_address(theirs),
    }
    return render(request, "definitions/conflict.html", context, status=409)


def _beginning(section: str) -> dict[str, Any]:
    """What a new thing begins with, so that nobody faces an empty page."""
    if section == STAGES:
        held = load_model().in_force(STAGES, now_utc()).values()
        return {"order": max((int(v.body.get("order") or 0) for v in held), default=0) + 10}
    if not forms.has_form(section):
        model = load_model()
        example = next(iter(model.in_force(section, now_utc()).values()), None)
        return dict(example.body) if example else {"name": ""}
    return {"object": "deal"} if section == "pipelines" else {"object": "person"}


def key_fault(section: str, key: str) -> str:
    if (
        not key
        or len(key) > MAX_KEY
        or not key.isascii()
        or not key.replace("_", "").replace("-", "").isalnum()
    ):
        return "Give it a key: letters a to z, digits, _ and -."
    if Version.objects.filter(section=section, key=key).exists():
        return f"There is, or was, something with the key “{key}”. Open that one, or choose another key."
    return ""


def _choices() -> dict[str, forms.Choices]:
    now = now_utc()
    model = load_model()

    def named(section: str) -> list[tuple[str, str]]:
        held = model.in_force(section, now)
        return [(key, str(v.body.get("name") or key)) for key, v in held.items()]

    return {
        **forms.fixed_choices(),
        "teams": list(team_names().items()),
        "connections": list(
            Connection.objects.exclude(kind=Connection.Kind.GTMOPS).order_by("name").values_list("name", "label")
        ),
        "objects": [(name, name.capitalize()) for name in catalogue_from_db().objects],
        "definitions": [("", "Nothing"), *named("definitions")],
        "stages": named(STAGES),
    }  # fmt: skip


# --- acts ------------------------------------------------------------------------------------------------------


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


def draft_address(version: Version) -> str:
    """The page of one version."""
    return f"{reverse('definitions:item', args=[version.section, version.key])}?version={version.number}"


# --- whom it concerns ------------------------------------------------------------------------------------------


@require_safe
def changes(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """The named records behind "+196 new" and "−1,190 gone"."""
    told, line = get_line(section, key)
    version, which = _changing(request, line)
    try:
        rows = records_that_change(version, version.based_on, person_of(request), now_utc(), which)
        is_too_slow = False
    except TooSlow:
        rows, is_too_slow = Record.objects.none(), True
    context = {
        "is_too_slow": is_too_slow,
        "section": told,
        "key": key,
        "title": told.title(version.body) or key,
        "version": version,
        "which": which,
        "page": page_of(request, rows, PER_PAGE),
        "tabs": [
            (name, label, f"?version={version.number}&which={name}")
            for name, label in (("gained", "New"), ("lost", "Gone"))
        ],
        "draft_href": draft_address(version),
    }
    return render(request, "definitions/changes.html", context)


@require_safe
def export_changes(request: HttpRequest, section: str, key: str) -> StreamingHttpResponse:
    _, line = get_line(section, key)
    version, which = _changing(request, line)
    try:
        rows = records_that_change(version, version.based_on, person_of(request), now_utc(), which)
    except TooSlow:
        raise Http404 from None
    cells = (
        (r.title, r.connection.label, r.remote_object, r.remote_id, r.owner.name if r.owner else "")
        for r in rows.iterator(chunk_size=500)
    )
    return csv_streamed(f"{key}-{which}", ("Record", "CRM", "Object", "Id there", "Owner"), cells)


def _changing(request: HttpRequest, line: Line) -> tuple[Version, str]:
    """The version and way asked for. Raises Http404 where nothing is judged."""
    version = get_version(line, request.GET.get("version", ""), line.draft)
    if not judges_records(version.section):
        raise Http404
    return version, "lost" if request.GET.get("which") == "lost" else "gained"


@require_safe
@never_cache
def watched(request: HttpRequest, section: str, key: str) -> HttpResponse:
    """What would have differed while a version was only watched."""
    told, line = get_line(section, key)
    viewer = person_of(request)
    version = _watched_version(request, line)
    if told.pages.watched:
        return redirect(f"{reverse(told.pages.watched, args=[key])}?version={version.number}")
    now_state, state = request.GET.get("now", ""), request.GET.get("then", "")
    found = watching.watched(version, viewer, now_state=now_state[:10], state=state[:10])
    context = {
        "section": told,
        "key": key,
        "title": told.title(version.body) or key,
        "sentence": sentence_of(told, version, load_typed_model()),
        "version": version,
        "report": watching.report(version, viewer),
        "is_running": bool(version.watch_until and version.watch_until > now_utc()),
        "page": page_of(request, found, PER_PAGE),
        "now_state": now_state,
        "then_state": state,
        "query": request.GET.urlencode(),
        "draft_href": draft_address(version),
        "updated_at": now_utc(),
    }
    return render(request, "definitions/watched.html", context)


@require_safe
def export_watched(request: HttpRequest, section: str, key: str) -> StreamingHttpResponse:
    _, line = get_line(section, key)
    version = _watched_version(request, line)
    found = watching.watched(
        version, person_of(request), now_state=request.GET.get("now", "")[:10], state=request.GET.get("then", "")[:10]
    )  # fmt: skip
    cells = (
        (
            w.record.title, w.record.connection.label, w.record.remote_id, w.key, w.now_state, w.state,
            w.first_seen_at,
        )
        for w in found.iterator(chunk_size=500)
    )  # fmt: skip
    names = ("Record", "CRM", "Id there", "Judged", "Now", "By this version", "First seen")
    return csv_streamed(f"{key}-version-{version.number}-watched", names, cells)


def _watched_version(request: HttpRequest, line: Line) -> Version:
    version = get_version(line, request.GET.get("version", ""), line.draft)
    if version.watch_from is None:
        raise Http404
    return version
