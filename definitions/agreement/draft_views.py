"""Writing a draft of the model: the forms, the file, and what two people wrote at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from definitions.agreement import drafts, forms
from definitions.agreement.differences import in_trees, in_words
from definitions.agreement.drafts import AgreementError, Conflict, NotYours, Stale, load_line
from definitions.agreement.parties import team_names
from definitions.agreement.speaking import speaker
from definitions.bodies import STAGES
from definitions.catalogue import catalogue_from_db
from definitions.files.model_files import MAX_KEY, faults_of
from definitions.files.model_yaml import Unreadable, read_yaml, write_yaml
from definitions.models import Version
from definitions.sections import Fault, Section, sections
from definitions.versions import load_model
from definitions.views import draft_address, get_line
from effects.tick import now_utc
from records.models import Connection
from teams.access import person_of
from teams.models import Person


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
    told, _ = get_line(section, key)
    if told.pages.edit and _asks_for_form(request):
        return redirect(told.pages.edit, key)
    editing = editing_of(request, section, key)
    if isinstance(editing, HttpResponse):
        return editing
    if request.method != "POST":
        return _form(request, editing)
    return _save(request, editing, key, person_of(request))


def editing_of(request: HttpRequest, section: str, key: str) -> Editing | HttpResponse:
    """What an edit begins with, or the way back, in words, where there can be none now. Raises Http404."""
    told, line = get_line(section, key)
    try:
        drafts.refuse_outsiders(person_of(request), line, None, now_utc())
    except NotYours as error:
        messages.warning(request, error.text)
        return redirect("definitions:item", section, key)
    draft = line.draft
    if draft is not None and draft.state == Version.State.PROPOSED:
        messages.warning(request, f"Version {draft.number} waits for agreement. Withdraw it to change it.")
        return redirect(draft_address(draft))
    base = draft or line.latest or line.versions[0]
    return Editing(told, key, draft, base.body, draft.revision if draft else 0)


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
