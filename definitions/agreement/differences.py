"""What differs between two bodies of the model, in words and as two trees side by side. Pure.

Words need the names of fields and teams; a ``Speaker`` brings them, so that nothing here asks the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from definitions.files.model_yaml import in_order
from definitions.sections import Body, Part

Mark = Literal["same", "added", "removed", "changed"]

CONDITIONS = frozenset(
    {"criteria", "when", "where", "pause_while", "cancel_when", "entry_criteria", "exit_criteria"}
)
WORDING = frozenset(
    {"name", "short", "label", "sentence", "text", "examples", "play", "guidance", "key_fields"}
)  # fmt: skip
"""Keys that people read and nothing is judged by."""

_LABELS = {
    "in": "Judged in", "agreed_by": "Agreed by", "key_fields": "Key fields", "when": "Applies when",
    "criteria": "Conditions", "entry_criteria": "To enter", "exit_criteria": "To leave", "tz": "Time zone",
    "short": "Short name", "claimed_when": "Shown by the CRM",
}  # fmt: skip
_ONE_OF = {
    "variants": "Variant", "exclusions": "Exclusion", "stages": "Stage", "form": "Field", "send_back_reasons": "Reason",
}  # fmt: skip
_SUBJECTS = ("field", "activity", "related", "stage", "event")
_NOTHING: Any = type(
    "Nothing", (), {"__repr__": lambda self: "nothing", "__deepcopy__": lambda self, memo: self}
)()


@dataclass(frozen=True)
class Speaker:
    """Names for words: ``condition(tree, object)`` is a condition in English, ``named(key, value)`` a value's name."""

    condition: Callable[[Any, str], str] = lambda tree, object_name: _raw_condition(tree)
    named: Callable[[str, str], str] = lambda key, value: value


@dataclass(frozen=True)
class Difference:
    """One thing that differs. ``where`` is empty for the whole; ``is_wording``: nothing is judged by it."""

    mark: Mark
    where: str
    text: str
    path: tuple[Part, ...]
    is_wording: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


@dataclass(frozen=True)
class Marked:
    """A node of two condition trees laid over each other. ``kind``: all, any, not or leaf."""

    kind: str
    mark: Mark
    old: Any
    new: Any
    children: tuple[Marked, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line of the two trees side by side; an empty side has nothing there."""

    depth: int
    mark: Mark
    old: str
    new: str


@dataclass(frozen=True)
class Tree:
    """The conditions that stand in one place of two bodies."""

    title: str
    lines: tuple[Line, ...] = field(default=())

    @property
    def is_same(self) -> bool:
        return all(line.mark == "same" for line in self.lines)


# --- in words --------------------------------------------------------------------------------------------------


def in_words(old: Body | None, new: Body | None, speak: Speaker = Speaker()) -> list[Difference]:
    """Every difference, in the order of the file. Of nothing and something: what stands in it."""
    return list(_mappings(old or {}, new or {}, speak, "", (), _noun(new or old or {})))


def _noun(body: Body) -> str:
    """The object whose records the conditions of a body read; an SLA rule is about people unless it says otherwise."""
    return str(body.get("object") or body.get("on") or ("person" if "start" in body else ""))


def is_wording_only(old: Body | None, new: Body | None) -> bool:
    """Whether only words differ, so that no record is judged differently. False where one of them is nothing."""
    return old is not None and new is not None and all(d.is_wording for d in in_words(old, new))


def _mappings(
    old: Body, new: Body, speak: Speaker, where: str, path: tuple[Part, ...], noun: str
) -> Iterator[Difference]:
    for name in in_order({**old, **new}):
        yield from _values(
            name, old.get(name, _NOTHING), new.get(name, _NOTHING), speak, where, (*path, name), noun
        )


def _values(
    name: str, old: Any, new: Any, speak: Speaker, where: str, path: tuple[Part, ...], noun: str
) -> Iterator[Difference]:
    old, new = (_NOTHING if value is None else value for value in (old, new))
    if old == new:
        return
    is_wording = name in WORDING

    def told(mark: Mark, text: str) -> Difference:
        return Difference(mark, where, text, path, is_wording)

    if name in CONDITIONS and any(isinstance(value, Mapping) for value in (old, new)):
        # The conditions of the whole need no title of their own; those of a part of it do.
        title = where if name == "criteria" else f"{where} › {label(name)}" if where else label(name)
        for mark, text in _conditions(old, new, speak, noun):
            yield Difference(mark, title, text, path, is_wording)
    elif _is_keyed(old, new):
        yield from _keyed(name, old, new, speak, where, path, noun)
    elif isinstance(old, Mapping) or isinstance(new, Mapping):
        inside = f"{where} › {label(name)}" if where else label(name)
        before, after = (value if isinstance(value, Mapping) else {} for value in (old, new))
        yield from _mappings(before, after, speak, inside, path, noun)
    elif _is_list(old, new):
        was, now = ([] if value is _NOTHING else [*value] for value in (old, new))
        for value in (v for v in was if v not in now):
            yield told("removed", f"{label(name)}: removed {_shown(name, value, speak)}")
        for value in (v for v in now if v not in was):
            yield told("added", f"{label(name)}: added {_shown(name, value, speak)}")
        if [v for v in was if v in now] != [v for v in now if v in was]:
            yield told("changed", f"{label(name)}: in another order")
    elif old is _NOTHING:
        yield told("added", f"{label(name)}: added {_shown(name, new, speak)}")
    elif new is _NOTHING:
        yield told("removed", f"{label(name)}: removed {_shown(name, old, speak)}")
    else:
        changed = arrow(_bare(name, old, speak), _bare(name, new, speak))
        is_prose = any(isinstance(value, str) and " " in value for value in (old, new))
        yield told("changed", f"{label(name)}: “{changed}”" if is_prose else f"{label(name)}: {changed}")


def _keyed(
    name: str, old: Any, new: Any, speak: Speaker, where: str, path: tuple[Part, ...], noun: str
) -> Iterator[Difference]:
    before = {row["key"]: row for row in ([] if old is _NOTHING else old)}
    after = {row["key"]: row for row in ([] if new is _NOTHING else new)}
    one = _ONE_OF.get(name, label(name))

    def titled(row: Body) -> str:
        title = f"{one} “{row.get('name') or row.get('label') or row['key']}”"
        return f"{where} › {title}" if where else title

    for key, row in before.items():
        if key not in after:
            yield Difference("removed", "", f"{titled(row)} removed", (*path, key), False)
    for key, row in after.items():
        if key in before:
            yield from _mappings(before[key], row, speak, titled(row), (*path, key), noun)
        else:
            told = "; ".join(_row_words(row, speak, noun))
            text = f"{titled(row)} added{f': {told}' if told else ''}"
            yield Difference("added", "", text, (*path, key), False)
    kept = [key for key in before if key in after]
    if kept != (now := [key for key in after if key in before]):
        names = {key: str(after[key].get("name") or key) for key in kept}
        text = f"{label(name)}: order {', '.join(map(names.get, kept))} → {', '.join(map(names.get, now))}"  # type: ignore[arg-type]  # each is in it
        yield Difference("changed", where, text, path, False)


def _row_words(row: Body, speak: Speaker, noun: str) -> Iterator[str]:
    for name in ("when", "criteria", "entry_criteria", "exit_criteria"):
        if isinstance(row.get(name), Mapping):
            words = speak.condition(row[name], noun)
            yield words if name == "criteria" else f"{label(name).lower()} {words}"


def _conditions(old: Any, new: Any, speak: Speaker, noun: str) -> Iterator[tuple[Mark, str]]:
    if old is _NOTHING or new is _NOTHING:
        mark: Mark = "added" if old is _NOTHING else "removed"
        tree = new if old is _NOTHING else old
        yield mark, f"{mark.capitalize()}: {speak.condition(tree, noun)}"
        return
    yield from _told(align(old, new), speak, noun, "all", is_negated=False)


def _told(
    node: Marked, speak: Speaker, noun: str, parent: str, *, is_negated: bool
) -> Iterator[tuple[Mark, str]]:
    def said(tree: Any) -> str:
        return speak.condition({"not": tree} if is_negated else tree, noun)

    if node.mark == "added":
        yield "added", f"Added{' as another way' if parent == 'any' else ''}: {said(node.new)}"
    elif node.mark == "removed":
        yield "removed", f"Removed{' as a way' if parent == 'any' else ''}: {said(node.old)}"
    elif node.kind == "leaf":
        if node.mark == "changed":
            words = arrow(speak.condition(node.old, noun), speak.condition(node.new, noun))
            yield "changed", f"not ({words})" if is_negated else words
    else:
        if node.mark == "changed":
            yield "changed", f"{_group(node.old)} → {_group(node.new)}: {said(node.new)}"
        for child in node.children:
            inside = is_negated != (node.kind == "not")
            yield from _told(child, speak, noun, node.kind, is_negated=inside)


# --- as trees --------------------------------------------------------------------------------------------------


def in_trees(old: Body | None, new: Body | None, speak: Speaker = Speaker()) -> list[Tree]:
    """The conditions of both, place by place; a place that neither has is left out."""
    before, after = dict(_places(old or {}, "")), dict(_places(new or {}, ""))
    noun = _noun(new or old or {})
    return [
        Tree(title, tuple(_lines(align(before.get(title), after.get(title)), speak, noun, 0)))
        for title in dict.fromkeys([*before, *after])
    ]


def _places(body: Body, where: str) -> Iterator[tuple[str, Any]]:
    for name in in_order(body):
        value = body[name]
        title = f"{where} › {label(name)}" if where else label(name)
        if name in CONDITIONS and isinstance(value, Mapping):
            yield title, value
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) and "key" in v for v in value):
            for row in value:
                yield from _places(row, f"{_ONE_OF.get(name, label(name))} “{row.get('name') or row['key']}”")


def align(old: Any, new: Any) -> Marked:
    """Two condition trees laid over each other; either may be None."""
    if old is None or new is None:
        return _whole(new if old is None else old, "added" if old is None else "removed")
    if old == new:
        return _whole(old, "same")
    before, after = _kind(old), _kind(new)
    if before == after == "leaf":
        return Marked("leaf", "changed", old, new)
    if before == after == "not":
        return Marked("not", "same", old, new, (align(old["not"], new["not"]),))
    groups = {"all", "any"}
    if before in groups and after not in groups:
        return align(old, {before: [new]})
    if after in groups and before not in groups:
        return align({after: [old]}, new)
    if before in groups and after in groups:
        mark: Mark = "same" if before == after else "changed"
        return Marked(after, mark, old, new, tuple(_pairs(_list(old[before]), _list(new[after]))))
    # A condition and its opposite: neither is a change of the other.
    return Marked(
        "all", "same", {"all": [old]}, {"all": [new]}, (_whole(old, "removed"), _whole(new, "added"))
    )


def _pairs(before: list[Any], after: list[Any]) -> Iterator[Marked]:
    """Children of two groups: equal ones first, then those about the same thing; the rest came or went."""
    partner: dict[int, int] = {}
    free = list(range(len(before)))
    for likeness in (_exactly, _subject, _shape):
        for j, new in enumerate(after):
            if j in partner:
                continue
            same = next(
                (i for i in free if (told := likeness(before[i])) and told == likeness(new)),
                None,
            )
            if same is not None:
                partner[j] = same
                free.remove(same)
    gone = list(free)
    for j, new in enumerate(after):
        i = partner.get(j)
        while i is not None and gone and gone[0] < i:
            yield _whole(before[gone.pop(0)], "removed")
        yield align(None if i is None else before[i], new)
    for i in gone:
        yield _whole(before[i], "removed")


def _exactly(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, default=str)


def _subject(tree: Any) -> str:
    """What a condition is about; a ``not`` is about what its child is. Empty for groups."""
    if _kind(tree) == "not":
        return f"not {told}" if (told := _subject(tree["not"])) else ""
    if not isinstance(tree, Mapping):
        return ""
    return next((f"{name} {tree[name]}" for name in _SUBJECTS if name in tree), "")


def _shape(tree: Any) -> str:
    return kind if (kind := _kind(tree)) != "leaf" else ""


def _whole(tree: Any, mark: Mark) -> Marked:
    kind = _kind(tree)
    inner = _list(tree[kind]) if kind in {"all", "any"} else [tree["not"]] if kind == "not" else []
    old, new = (None if mark == "added" else tree), (None if mark == "removed" else tree)
    return Marked(kind, mark, old, new, tuple(_whole(child, mark) for child in inner))


def _kind(tree: Any) -> str:
    if isinstance(tree, Mapping):
        return next((name for name in ("all", "any", "not") if name in tree), "leaf")
    return "leaf"


def _list(value: Any) -> list[Any]:
    return [*value] if isinstance(value, list | tuple) else [value]


def _lines(node: Marked, speak: Speaker, noun: str, depth: int) -> Iterator[Line]:
    def said(tree: Any) -> str:
        if tree is None:
            return ""
        return speak.condition(tree, noun) if _kind(tree) == "leaf" else _group(tree)

    yield Line(depth, node.mark, said(node.old), said(node.new))
    for child in node.children:
        yield from _lines(child, speak, noun, depth + 1)


def _group(tree: Any) -> str:
    return {"all": "All of these", "any": "Any of these", "not": "Not this"}[_kind(tree)]


# --- three bodies ----------------------------------------------------------------------------------------------


def merged(base: Body, mine: Body, theirs: Body) -> tuple[dict[str, Any], list[tuple[Part, ...]]]:
    """Both changes of ``base`` in one body, and the paths that both changed differently; there mine stands."""
    clashes: list[tuple[Part, ...]] = []
    found = _merged(base, mine, theirs, (), clashes)
    return {name: found[name] for name in in_order(found)}, clashes


def _merged(
    base: Any, mine: Any, theirs: Any, path: tuple[Part, ...], clashes: list[tuple[Part, ...]]
) -> Any:
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    if all(isinstance(value, Mapping) for value in (base, mine, theirs)) and path[:1] != ("criteria",):
        told = {
            name: _merged(
                base.get(name, _NOTHING),
                mine.get(name, _NOTHING),
                theirs.get(name, _NOTHING),
                (*path, name),
                clashes,
            )
            for name in {**theirs, **mine}
        }
        return {name: value for name, value in told.items() if value is not _NOTHING}
    clashes.append(path)
    return mine


# --- words -----------------------------------------------------------------------------------------------------


def label(name: Part) -> str:
    """What a page calls a key of a body."""
    return _LABELS.get(str(name), str(name).replace("_", " ").capitalize())


def arrow(old: str, new: str) -> str:
    """ "Fleet size is at least 10 → 20": what both begin and end with stands once."""
    before, after = old.split(), new.split()
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    most = min(len(before), len(after)) - head
    tail = 0
    while tail < most and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    middle = [" ".join(words[head : len(words) - tail]) or "nothing" for words in (before, after)]
    lead, rest = before[:head], before[len(before) - tail :]
    if len(lead) > 12:
        lead = ["…", *lead[-8:]]
    if len(rest) > 12:
        rest = [*rest[:8], "…"]
    return " ".join([*lead, middle[0], "→", middle[1], *rest])


def _is_keyed(*values: Any) -> bool:
    told = [value for value in values if value is not _NOTHING]
    rows = [row for value in told if isinstance(value, list) for row in value]
    return (
        all(isinstance(value, list) for value in told)
        and bool(rows)
        and all(isinstance(row, Mapping) and isinstance(row.get("key"), str) for row in rows)
    )


def _is_list(*values: Any) -> bool:
    told = [value for value in values if value is not _NOTHING]
    return all(isinstance(value, list) for value in told)


def _bare(name: str, value: Any, speak: Speaker) -> str:
    return speak.named(name, value) if isinstance(value, str) else _shown(name, value, speak)


def _shown(name: str, value: Any, speak: Speaker) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        named = speak.named(name, value)
        return f"“{named}”" if " " in named and named == value else named
    if isinstance(value, Mapping):
        return ", ".join(f"{label(n).lower()} {_shown(n, value[n], speak)}" for n in in_order(value))
    if isinstance(value, Sequence):
        return ", ".join(_shown(name, v, speak) for v in value) or "nothing"
    return str(value)


def _raw_condition(tree: Any) -> str:
    kind = _kind(tree)
    if kind == "not":
        return f"not ({_raw_condition(tree['not'])})"
    if kind != "leaf":
        word = " and " if kind == "all" else " or "
        return f"({word.join(_raw_condition(child) for child in _list(tree[kind]))})"
    if not isinstance(tree, Mapping):
        return str(tree)
    return " ".join(_raw_value(tree[name]) for name in in_order(tree))


def _raw_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_raw_value(value[name])}" for name in in_order(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(_raw_value, value))
    return str(value)
