"""Whether a request is one that HubSpot's API descriptions have: path, method, parameters, body."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.integrations.hubspot_api.documented import corrected
from tests.integrations.hubspot_api.generate import FACTS

PREFIXES = ("/crm/", "/crm-object-schemas/", "/account-info/", "/oauth/")
PAGES = ("/oauth/authorize",)
"""For a browser: no API."""


def is_hubspot(target: str) -> bool:
    path = urlsplit(target).path
    return path.startswith(PREFIXES) and path not in PAGES


def faults_of(method: str, target: str, body: bytes) -> list[str]:
    """A sentence for each thing that no description has; empty for a request as it should be."""
    parts = urlsplit(target)
    fact = _fact(method, parts.path.rstrip("/"))
    if fact is None:
        return [f"{method} {parts.path} is in no description"]
    return [
        f"{method} {parts.path}: {fault}"
        for fault in (*_query_faults(fact, parts.query), *_body_faults(fact, body))
    ]


@cache
def _facts() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """The most particular path first: a search is no record of that id."""
    found = []
    for name, fact in corrected(json.loads(FACTS.read_text("utf-8"))).items():
        method, _, path = name.partition(" ")
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        found.append((path.count("{"), method, re.compile(pattern), fact))
    found.sort(key=lambda item: item[0])
    return [(method, pattern, fact) for _, method, pattern, fact in found]


def _fact(method: str, path: str) -> dict[str, Any] | None:
    return next((f for m, pattern, f in _facts() if m == method and pattern.fullmatch(path)), None)


def _query_faults(fact: dict[str, Any], query: str) -> list[str]:
    known = fact.get("query", {})
    given = parse_qsl(query, keep_blank_values=True)
    faults = [f"no parameter {name}" for name, _ in given if name not in known]
    faults += [f"the parameter {n} is missing" for n in fact.get("required", []) if n not in dict(given)]
    for name, value in given:
        kind = known.get(name)
        if kind == "integer" and not value.isdigit():
            faults.append(f"{name} is {value!r} instead of a number")
        # The client library writes True and False, and HubSpot takes either case.
        if kind == "boolean" and value.lower() not in ("true", "false"):
            faults.append(f"{name} is {value!r} instead of true or false")
        if not isinstance(kind, dict) and [n for n, _ in given].count(name) > 1:
            faults.append(f"{name} stands more than once")
    return faults


def _body_faults(fact: dict[str, Any], body: bytes) -> list[str]:
    if "form" in fact:
        names = [name for name, _ in parse_qsl(body.decode(), keep_blank_values=True)]
        return [f"no field {name}" for name in names if name not in fact["form"]] or (
            [] if names else ["the form is empty"]
        )
    if "body" not in fact:
        return ["a body where none is described"] if body else []
    try:
        given = json.loads(body)
    except ValueError:
        return ["the body is no JSON"]
    return _value_faults("body", fact["body"], given)


_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
}  # fmt: skip


def _value_faults(place: str, kind: Any, value: Any) -> list[str]:
    if isinstance(kind, str):
        word = kind.removesuffix(" or null")
        if word == "any" or (value is None and word != kind):
            return []
        fits = isinstance(value, _PLAIN[word]) and (word == "boolean" or not isinstance(value, bool))
        return [] if fits else [f"{place} is {type(value).__name__} instead of {kind}"]
    if "enum" in kind:
        return [] if value in kind["enum"] else [f"{place} is {value!r}, which is no allowed value"]
    if "each" in kind:
        if not isinstance(value, list):
            return [f"{place} is no list"]
        return [f for n, part in enumerate(value) for f in _value_faults(f"{place}[{n}]", kind["each"], part)]
    if not isinstance(value, dict):
        return [f"{place} is no object"]
    if "values" in kind:
        return [f for k, part in value.items() for f in _value_faults(f"{place}.{k}", kind["values"], part)]
    faults = [f"{place} has no key {k}" for k in value if k not in kind["keys"]]
    faults += [f"{place} lacks {k}" for k in kind["required"] if k not in value]
    for key in value.keys() & kind["keys"].keys():
        faults += _value_faults(f"{place}.{key}", kind["keys"][key], value[key])
    return faults
