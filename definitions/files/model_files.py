"""The operating model as files: check, plan, apply, export. The same functions serve the command and first start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pghistory
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from definitions.agreement.differences import in_words
from definitions.agreement.parties import signers
from definitions.agreement.speaking import speaker_from_db
from definitions.catalogue import catalogue_from_db
from definitions.files.model_yaml import Lines, Unreadable, read_yaml, write_yaml
from definitions.files.reading import unknown
from definitions.lint.services import live_remarks
from definitions.models import Signature, Version
from definitions.sections import Body, Context, Fault, Part, Section, sections
from definitions.versions import Model, latest_agreed, load_model, lock_model
from effects.tick import ring
from records.models import Connection
from teams.models import Person, Role, Team

MAX_FILES = 200
MAX_KEY = 80
_ENDINGS = (".yaml", ".yml")


class ModelFaults(Unreadable):
    """The files can't become a model. ``faults`` holds every one of them."""


@dataclass(frozen=True)
class ModelTree:
    """What a set of files says: section -> key -> body. ``places``: (section, key) -> (file, line of each path)."""

    bodies: Mapping[str, Mapping[str, Any]]
    places: Mapping[tuple[str, str], tuple[str, Lines]] = field(default_factory=dict)

    def located(self, fault: Fault, section: str, key: str) -> Fault:
        """The fault with its file and the line of the nearest path that stands in it."""
        file, lines = self.places.get((section, key), ("", {}))
        path: tuple[Part, ...] = (section, key, *fault.path)
        while path and path not in lines:
            path = path[:-1]
        return fault.at(section=section, key=key, file=file, line=lines.get(path, 0))

    def each(self) -> Iterator[tuple[str, str, Any]]:
        for section, items in self.bodies.items():
            for key, body in items.items():
                yield section, key, body


Kind = Literal["new", "changed", "removed"]


@dataclass(frozen=True)
class Change:
    """One difference between the files and the model. ``lines``: what changed, in words."""

    kind: Kind
    section: str
    key: str
    title: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.kind}: {self.section}/{self.key} “{self.title}”"
        return "\n".join([head, *(f"    {line}" for line in self.lines)])


@dataclass(frozen=True)
class Applied:
    """What apply did. ``kept``: in force still although the files no longer name them, because nobody agreed."""

    drafted: tuple[Version, ...] = ()
    published: tuple[Version, ...] = ()
    retired: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchanged: int = 0


# --- reading ---------------------------------------------------------------------------------------------------


def load(path: Path) -> ModelTree:
    """Read a file, or every YAML file of a folder. Raises ModelFaults."""
    files = _files(path)
    bodies: dict[str, dict[str, Any]] = {}
    places: dict[tuple[str, str], tuple[str, Lines]] = {}
    faults: list[Fault] = []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            value, lines = read_yaml(_text(file, name), file=name)
        except Unreadable as error:
            faults.extend(error.faults)
            continue
        if value is None:
            continue
        if not isinstance(value, dict):
            faults.append(
                Fault(
                    (),
                    "no_section",
                    "begin the file with a section, such as “definitions:”",
                    file=name,
                    line=1,
                )
            )
            continue
        for section, items in value.items():
            if not isinstance(items, dict) and items is not None:
                line = lines.get((section,), 1)
                faults.append(
                    Fault((), "no_keys", "write “key:” lines below it", section=section, file=name, line=line)
                )
                continue
            for key, body in (items or {}).items():
                if (section, key) in places:
                    line, other = lines.get((section, key), 1), places[section, key][0]
                    text = f"stands in {other} too; remove one"
                    faults.append(Fault((), "repeated", text, section=section, key=key, file=name, line=line))
                    continue
                places[section, key] = (name, lines)
                bodies.setdefault(section, {})[key] = body
            bodies.setdefault(section, {})
    if faults:
        raise ModelFaults(faults)
    return ModelTree(bodies, places)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ModelFaults([Fault((), "no_file", f"there is no file or folder {path}; check the path")])
    found = sorted(p for p in path.rglob("*") if p.suffix in _ENDINGS and p.is_file())
    if not found:
        raise ModelFaults([Fault((), "no_file", f"{path} holds no YAML file; name the folder of the model")])
    if len(found) > MAX_FILES:
        raise ModelFaults(
            [Fault((), "too_many", f"more than {MAX_FILES} files; name the folder of the model")]
        )
    return found


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            [Fault((), "not_utf8", "not UTF-8 text; save it as UTF-8", file=name, line=1)]
        ) from error
    except OSError as error:
        raise Unreadable([Fault((), "no_file", f"can't be read: {error.strerror}", file=name)]) from error


# --- checking --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """``faults`` forbid applying; ``remarks`` only deserve a word."""

    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


def check(tree: ModelTree, now: datetime, *, against_crms: bool = False) -> Checked:
    """Every fault and remark of the files, with place. Five queries; ``against_crms`` looks at the live schema and at
    samples of the data as well."""
    context = context_from_db(tree, now)
    known = sections()
    faults: list[Fault] = []
    remarks: list[Fault] = []
    sound: dict[str, dict[str, Body]] = {}
    for name in tree.bodies:
        if name not in known:
            keys = tree.bodies[name] or {"": None}
            fault = Fault((), "unknown_section", unknown("section", name, list(known)))
            faults.append(tree.located(fault, name, next(iter(keys))))
    for section, key, body in tree.each():
        if section not in known:
            continue
        found = _key_faults(key)
        if not isinstance(body, Mapping):
            found.append(Fault((), "not_a_mapping", "write its “name: value” lines below the key"))
        else:
            found += known[section].parse(key, body, context)
        faults += [tree.located(fault, section, key) for fault in found]
        if not found:
            sound.setdefault(section, {})[key] = body
            remarks += [
                tree.located(fault, section, key) for fault in known[section].lint(key, body, context)
            ]
    if against_crms:
        remarks += [tree.located(f, section, key) for section, key, f in live_remarks(sound, context, now)]
    return Checked(tuple(faults), tuple(remarks))


def _key_faults(key: str) -> list[Fault]:
    if key and len(key) <= MAX_KEY and key.isascii() and key.replace("_", "").replace("-", "").isalnum():
        return []
    return [Fault((), "key", f"a key has letters of a to z, digits, _ and - only, {MAX_KEY} at most")]


def faults_of(section: str, key: str, body: Any, now: datetime) -> list[Fault]:
    """What forbids one body beside what is in force, and what it would break there. Five queries."""
    before = context_from_db(ModelTree({}), now)
    held = {name: dict(items) for name, items in before.bodies.items()}
    if body is None:
        held.get(section, {}).pop(key, None)
        found = []
    elif not isinstance(body, Mapping) or section not in sections():
        return [Fault((), "not_a_mapping", "write its “name: value” lines", section=section, key=key)]
    else:
        held.setdefault(section, {})[key] = body
        after = replace(before, bodies=held)
        found = [*_key_faults(key), *sections()[section].parse(key, body, after)]
    after = replace(before, bodies=held)
    return [f.at(section=section, key=key) for f in found] + [
        fault.at(section=name, key=other)
        for name, items in held.items()
        for other, told in items.items()
        if (name, other) != (section, key)
        for fault in _fresh(sections()[name], other, told, before, after)
    ]


def _fresh(section: Section, key: str, body: Body, before: Context, after: Context) -> list[Fault]:
    """Faults of an item in force that it had not before."""
    found = section.parse(key, body, after)
    if not found:
        return []
    known = {(f.path, f.code) for f in section.parse(key, body, before)}
    return [f for f in found if (f.path, f.code) not in known]


def context_from_db(tree: ModelTree, now: datetime) -> Context:
    """What the files may refer to: their own keys on top of what is in force."""
    model = load_model()
    bodies: dict[str, dict[str, Body]] = {}
    for name in sections():
        if name in tree.bodies:
            bodies[name] = {k: b for k, b in tree.bodies[name].items() if isinstance(b, Mapping)}
        else:
            bodies[name] = {key: v.body for key, v in model.in_force(name, now).items()}
    return Context(
        catalogue=catalogue_from_db(),
        teams=frozenset(Team.objects.values_list("key", flat=True)),
        connections=frozenset(Connection.objects.values_list("name", flat=True)),
        bodies=bodies,
    )


# --- planning --------------------------------------------------------------------------------------------------


def plan(tree: ModelTree, now: datetime) -> list[Change]:
    """What applying would change against what is in force, in words. A section no file names is left alone."""
    return _plan(tree, load_model(), now)


def _plan(tree: ModelTree, model: Model, now: datetime) -> list[Change]:
    changes: list[Change] = []
    speak = speaker_from_db()
    for section, items in tree.bodies.items():
        held = model.in_force(section, now)
        for key, body in items.items():
            title = str(body.get("name") or key)
            if key not in held:
                changes.append(Change("new", section, key, title))
            elif held[key].body != body:
                changes.append(
                    Change(
                        "changed", section, key, title, tuple(map(str, in_words(held[key].body, body, speak)))
                    )
                )
        for key, version in held.items():
            if key not in items:
                changes.append(Change("removed", section, key, str(version.body.get("name") or key)))
    return changes


# --- applying --------------------------------------------------------------------------------------------------


def apply(
    tree: ModelTree,
    *,
    now: datetime,
    by: Person | None = None,
    force: bool = False,
    effective_from: datetime | None = None,
    note: str = "",
) -> Applied:
    """Open a draft for each body that is new or changed; with ``force``, sign it as forced and put it in force.

    A body that is in force, or open as a draft, makes nothing. ``effective_from`` (default: now) may lie in the past
    only for what was never in force before. What the files no longer name is retired, with ``force`` only.

    Raises ModelFaults, and PermissionDenied when somebody else than a system admin forces."""
    if force and by is not None and by.role != Role.SYSTEM_ADMIN:
        raise PermissionDenied("Only a system admin puts a model in force without the teams' agreement.")
    at = effective_from or now
    with (
        transaction.atomic(),
        pghistory.context(model_apply=note or "apply", by=by.email if by else "", forced=force),
    ):
        lock_model()
        faults = check(tree, now).faults
        if faults:
            raise ModelFaults(list(faults))
        model = load_model()
        changes = _plan(tree, model, now)
        if force:
            _refuse_rewriting(changes, model, at, now)
        applied = _write(tree, changes, now=now, at=at, by=by, force=force, note=note)
    if force and changes:
        ring("model")
    return applied


def _refuse_rewriting(changes: Sequence[Change], model: Model, at: datetime, now: datetime) -> None:
    faults = []
    for change in changes:
        history = model.history(change.section, change.key)
        latest = max((v.effective_from for v in history if v.effective_from), default=None)
        if latest is not None and at < max(latest, now):
            text = (
                f"it has been in force since {latest:%Y-%m-%d}; the past is not changed: begin now or later"
            )
            if latest > now:
                text = f"another version begins {latest:%Y-%m-%d %H:%M} UTC; begin later than that"
            faults.append(Fault((), "past", text, section=change.section, key=change.key))
    if faults:
        raise ModelFaults(faults)


def _write(
    tree: ModelTree,
    changes: Sequence[Change],
    *,
    now: datetime,
    at: datetime,
    by: Person | None,
    force: bool,
    note: str,
) -> Applied:
    names = {(c.section, c.key) for c in changes}
    numbers: dict[tuple[str, str], int] = defaultdict(int)
    drafts: dict[tuple[str, str], list[Version]] = defaultdict(list)
    for version in Version.objects.filter(section__in=list(tree.bodies)).order_by("number"):
        name = (version.section, version.key)
        numbers[name] = max(numbers[name], version.number)
        if version.state in {Version.State.DRAFT, Version.State.PROPOSED}:
            drafts[name].append(version)
    based_on = {name: latest_agreed(*name) for name in names}
    fresh: list[Version] = []
    reused: list[Version] = []
    withdrawn: list[Version] = []
    for change in changes:
        if change.kind == "removed":
            continue
        name = (change.section, change.key)
        body = tree.bodies[change.section][change.key]
        same = next((d for d in drafts[name] if d.body == body), None)
        withdrawn += [d for d in drafts[name] if d is not same]
        if same is not None:
            reused.append(same)
        else:
            fresh.append(
                Version(
                    section=change.section, key=change.key, number=numbers[name] + 1, body=body, created_at=now,
                    created_by=by, note=note or "From model files", based_on=based_on.get(name),
                )
            )  # fmt: skip
    Version.objects.filter(pk__in=[d.pk for d in withdrawn]).update(
        state=Version.State.RETIRED, retired_at=now
    )
    for version in [*fresh, *reused] if force else []:
        version.state, version.effective_from = Version.State.SIGNED, at
    Version.objects.bulk_create(fresh)
    removed = [c for c in changes if c.kind == "removed"]
    unchanged = sum(len(items) for items in tree.bodies.values()) - len(names) + len(removed)
    removed_names = tuple(f"{c.section}/{c.key}" for c in removed)
    if not force:
        return Applied(drafted=tuple(fresh), kept=removed_names, unchanged=unchanged + len(reused))
    Version.objects.bulk_update(reused, ["state", "effective_from"])
    _sign([*fresh, *reused], by, now)
    _retire(removed, at)
    return Applied(published=(*fresh, *reused), retired=removed_names, unchanged=unchanged)


def _sign(versions: Sequence[Version], by: Person | None, now: datetime) -> None:
    teams = {team.key: team for team in Team.objects.all()}
    Signature.objects.bulk_create(
        [
            Signature(version=version, team=teams[key], person=by, signed_at=now, is_forced=True)
            for version in versions
            for key in signers(version.body)
            if key in teams
        ],
        ignore_conflicts=True,
    )


def _retire(removed: Sequence[Change], at: datetime) -> None:
    """From ``at`` on none of the versions of a removed thing holds; before, each holds as it did."""
    gone = Q(pk__in=[])
    for change in removed:
        gone |= Q(section=change.section, key=change.key)
    Version.objects.filter(gone, state=Version.State.SIGNED, retired_at=None).update(
        state=Version.State.RETIRED, retired_at=at
    )


# --- exporting -------------------------------------------------------------------------------------------------


def export(now: datetime) -> dict[str, str]:
    """File name -> YAML of what is in force; applying it changes nothing. Keys by their ``order``, then by name."""
    model = load_model()
    files: dict[str, str] = {}
    for section in sections():
        held = model.in_force(section, now)
        if held:
            keys = sorted(held, key=lambda k: (held[k].body.get("order") or 0, k))
            files[f"{section}.yaml"] = write_yaml({section: {key: held[key].body for key in keys}})
    return files
