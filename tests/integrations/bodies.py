"""FLT14: answers that can't be read, made of the good ones, the same at every run.

Each is what a CRM, or what stands before it, could send instead of a page, a description or the answer to a write."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

JSON = "application/json;charset=UTF-8"
CUTS = 12
WRONG: dict[str, Any] = {
    "null": None,
    "true": True,
    "7": 7,
    "a text": "text",
    "a list": [],
    "an object": {},
}
"""One of each type JSON has; which of them are wrong depends on the place."""
PAGE_OF_HTML = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"
STAMPS = {
    "year 0": "0000-03-02T09:00:00.000Z",
    "year 99999": "99999-03-02T09:00:00.000Z",
    "the 31st of February": "2026-02-31T09:00:00.000Z",
    "a word": "yesterday",
    "an hour 25": "2026-03-02T25:00:00.000Z",
}

Place = tuple[str | int, ...]
"""Keys and numbers that lead from the whole answer to a part of it."""


@dataclass(frozen=True)
class Body:
    """``is_readable``: odd, and still clear; it is read as what it says."""

    name: str
    content: bytes
    content_type: str = JSON
    is_readable: bool = False


@dataclass(frozen=True)
class Form:
    """Where in a CRM's good answer things stand. ``wrong``: place -> names of the types that are wrong there.

    ``value``: a text of a record, replaced in the body as it is written. ``stamps``: places of times."""

    wrong: dict[Place, Sequence[str]]
    value: str = ""
    stamps: Sequence[tuple[Place, ...]] = ()
    twice: Sequence[str] = ()
    """Keys that are said twice."""


ANY = tuple(WRONG)
NOT_A_LIST = tuple(name for name in ANY if name != "a list")
NOT_AN_OBJECT = tuple(name for name in ANY if name != "an object")
NO_TEXT = tuple(name for name in ANY if name != "a text")

FORMS: dict[tuple[str, str], Form] = {
    ("salesforce", "list"): Form(
        wrong={
            ("records",): NOT_A_LIST,
            ("records", 0): ANY,
            ("records", 3, "Id"): ANY,
            ("records", 1, "SystemModstamp"): ANY,
            ("records", 2, "CreatedDate"): ("true", "7", "a text"),
            ("records", 2, "IsDeleted"): ("7", "a text", "a list", "an object"),
            ("records", 2, "MasterRecordId"): ("true", "7", "a text", "a list", "an object"),
            ("done",): ("null", "7", "a text", "a list", "an object"),
            ("totalSize",): ("a text",),
        },
        value='"Number1"',
        stamps=[(("records", 0, "SystemModstamp"),), (("records", 6, "SystemModstamp"),)],
        twice=["Id", "SystemModstamp", "LastName", "records", "done"],
    ),
    ("salesforce", "describe"): Form(
        wrong={
            ("fields",): ANY,
            ("fields", 0): ANY,
            ("fields", 1, "name"): ("null", "a list", "an object"),
            ("fields", 1, "length"): ("a text",),
        },
        twice=["fields", "name"],
    ),
    ("salesforce", "write"): Form(
        wrong={
            (): ANY,
            (0,): ANY,
            (3, "success"): ("null", "7", "a text", "a list", "an object"),
        },
        twice=["success", "id"],
    ),
    ("hubspot", "list"): Form(
        wrong={
            ("results",): NOT_A_LIST,
            ("results", 0): ANY,
            ("results", 3, "id"): ANY,
            ("results", 2, "properties"): NOT_AN_OBJECT,
            ("results", 2, "createdAt"): ("true", "7", "a text"),
            ("results", 2, "archived"): ("7", "a text", "a list", "an object"),
            ("paging",): ("true", "7", "a text", "a list"),
            ("paging", "next"): ("true", "7", "a text", "a list", "an object"),
            ("paging", "next", "after"): ("null", "true", "a list", "an object"),
        },
        value='"Number1"',
        stamps=[
            (("results", 0, "properties", "lastmodifieddate"),),
            (("results", 6, "properties", "lastmodifieddate"),),
            (("results", 4, "createdAt"),),
        ],
        twice=["id", "lastmodifieddate", "lastname", "results", "properties"],
    ),
    ("hubspot", "describe"): Form(
        wrong={
            ("results",): ANY,
            ("results", 0): ANY,
            ("results", 1, "name"): ("null", "a list", "an object"),
            ("results", 1, "options"): ("true", "7", "a text"),
        },
        twice=["results", "name"],
    ),
    ("hubspot", "write"): Form(
        wrong={
            (): ANY,
            ("results",): NOT_A_LIST,
            ("results", 0): ANY,
            ("results", 3, "id"): ANY,
            ("results", 3, "properties"): NOT_AN_OBJECT,
        },
        twice=["results", "id", "properties"],
    ),
}  # fmt: skip


def form_of(kind: str, endpoint: str) -> Form:
    """What is found and what is read by ids has the form of a list; by ids there is no next page."""
    if endpoint not in {"search", "read"}:
        return FORMS[kind, endpoint]
    form = FORMS[kind, "list"]
    is_paged = endpoint == "search" or kind == "salesforce"
    return (
        form if is_paged else replace(form, wrong={p: w for p, w in form.wrong.items() if p[0] != "paging"})
    )


def corpus(kind: str, endpoint: str, good: bytes) -> list[Body]:
    """The bodies of one CRM's endpoint; ``good`` is what it answers in truth. Names are unique."""
    form = form_of(kind, endpoint)
    found = [
        *_of_others(),
        *_cut(good),
        *_encoded(good),
        *_numbers(good, form),
        *_twice(good, form),
        *_nested(good, form),
        *_mistyped(good, form),
        *_misdated(good, form),
    ]
    assert len({body.name for body in found}) == len(found)
    assert not [body.name for body in found if body.content == good]
    return found


def _of_others() -> Iterator[Body]:
    """What a proxy sends, or a CRM that is being mended."""
    yield Body("a page of HTML", PAGE_OF_HTML, "text/html")
    yield Body("a page of HTML that says it is JSON", PAGE_OF_HTML)
    yield Body("nothing", b"")
    yield Body("nothing that is a page", b"", "text/html")
    yield Body("blanks", b" \r\n ")
    yield Body("JavaScript", b")]}',\n{}")
    yield Body("XML", b'<?xml version="1.0"?><e/>', "text/xml")
    for name in ("null", "true", "7", '"text"', "[[]]"):
        yield Body(f"the whole is {name}", name.encode())
    yield Body("the whole is an object of nothing", b'{"":{}}')


def _cut(good: bytes) -> Iterator[Body]:
    """Truncated at each place of a kind: evenly, and next to its ends."""
    places = {len(good) * n // CUTS for n in range(1, CUTS)} | {1, 2, len(good) - 1, len(good) - 2}
    for place in sorted(places):
        yield Body(f"cut at {place}", good[:place])


def _encoded(good: bytes) -> Iterator[Body]:
    text = good.decode()
    yield Body("a byte order mark", b"\xef\xbb\xbf" + good, is_readable=True)
    yield Body("UTF-16 that says it is UTF-8", text.encode("utf-16"), is_readable=True)
    yield Body("UTF-16, big end first", text.encode("utf-16-be"), is_readable=True)
    yield Body("UTF-7", text.replace("{", "+AHs-").encode())
    yield Body("bytes that are no UTF-8", good.replace(b'"', b'"\xff', 1))
    yield Body("half a letter", good.replace(b'"', b'"\xe2\x82', 1))


def _numbers(good: bytes, form: Form) -> Iterator[Body]:
    text = good.decode()
    values = re.findall(r":\s*(true|false|\d+|\"[^\"]*\")", text)
    at = form.value or values[0]
    for name in ("NaN", "Infinity", "-Infinity", "1e400", "-1e400"):
        yield Body(f"{name} for a value", text.replace(at, name, 1).encode())
    for size in (100, 400, 5000):
        yield Body(f"a number of {size} digits", text.replace(at, "9" * size, 1).encode())
    yield Body("ten to the 400 for all", str(10**400).encode())
    if form.value:
        for name, odd in (("a lone surrogate", r'"\ud83d"'), ("a NUL", r'"Number\u00001"')):
            yield Body(name, text.replace(at, odd, 1).encode(), is_readable=True)


def _twice(good: bytes, form: Form) -> Iterator[Body]:
    """A key said twice: once more with another value, before or behind the first."""
    text = good.decode()
    for key in form.twice:
        for number, match in enumerate(list(re.finditer(rf'"{key}"\s*:\s*', text))[:2]):
            other = f'"{key}": "other", '
            before = text[: match.start()] + other + text[match.start() :]
            yield Body(f"{key} twice, the other first, {number}", before.encode())
        last = next(reversed(list(re.finditer(r"[}]", text))))
        if text.strip().startswith("{") and key in _top(text):
            behind = f'{text[: last.start()]}, "{key}": []{text[last.start() :]}'
            yield Body(f"{key} twice, the other last", behind.encode())


def _nested(good: bytes, form: Form) -> Iterator[Body]:
    text = good.decode()
    for depth in (100, 100_000):
        yield Body(f"{depth} lists around nothing", b"[" * depth + b"]" * depth)
        yield Body(f"{depth} objects", b'{"results":' * depth + b"[]" + b"}" * depth)
    if form.value:
        deep = "[" * 100 + "]" * 100
        yield Body("a value of 100 levels", text.replace(form.value, deep, 1).encode())


def _mistyped(good: bytes, form: Form) -> Iterator[Body]:
    for place, names in form.wrong.items():
        for name in names:
            changed = _with(json.loads(good), place, lambda _, name=name: WRONG[name])
            yield Body(f"{'.'.join(map(str, place)) or 'the whole'} is {name}: a type", changed)
        if (
            place
            and isinstance(place[-1], str)
            and place[-1] in {"Id", "id", "properties", "records", "results"}
        ):
            yield Body(f"{'.'.join(map(str, place))} is not there", _without(json.loads(good), place))


def _misdated(good: bytes, form: Form) -> Iterator[Body]:
    for places in form.stamps:
        for name, stamp in STAMPS.items():
            answer = json.loads(good)
            for place in places:
                answer = json.loads(_with(answer, place, lambda _, stamp=stamp: stamp))
            yield Body(f"{'.'.join(map(str, places[0]))} is {name}: a time", json.dumps(answer).encode())


def _with(answer: Any, place: Place, change: Callable[[Any], Any]) -> bytes:
    """The answer with one part of it changed; what leads there is made where it is missing."""
    if not place:
        return json.dumps(change(answer)).encode()
    part = answer
    for key in place[:-1]:
        part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
    before = part.get(place[-1]) if isinstance(part, dict) else part[place[-1]]
    part[place[-1]] = change(before)
    return json.dumps(answer).encode()


def _without(answer: Any, place: Place) -> bytes:
    part = answer
    for key in place[:-1]:
        part = part[key]
    del part[place[-1]]
    return json.dumps(answer).encode()


def _top(text: str) -> set[str]:
    found = json.loads(text)
    return set(found) if isinstance(found, dict) else set()
