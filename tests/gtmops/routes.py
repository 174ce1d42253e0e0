"""The routes that exist, read off the URL resolver, with the methods their views take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WRITING = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    name: str
    view: Callable[..., Any]
    arguments: frozenset[str]

    @property
    def is_ours(self) -> bool:
        cls = getattr(self.view, "view_class", None) or getattr(self.view, "cls", None)
        return (cls or self.view).__module__.partition(".")[0] in {*settings.ROOMS, "gtmops"}

    @property
    def methods(self) -> frozenset[str] | None:
        """What the view takes, HEAD and OPTIONS aside; None where it doesn't say."""
        return methods_of(self.view)


def methods_of(view: Callable[..., Any]) -> frozenset[str] | None:
    actions = getattr(view, "actions", None)
    if actions:  # a viewset
        return frozenset(method.upper() for method in actions) - {"HEAD", "OPTIONS"}
    cls = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if cls is not None:
        taken = {m.upper() for m in cls.http_method_names if hasattr(cls, m)}
        return frozenset(taken) - {"HEAD", "OPTIONS", "TRACE"}
    return _methods_of_function(view)


def _methods_of_function(view: Callable[..., Any] | None) -> frozenset[str] | None:
    """What require_http_methods and its kin were told, found under any other decorators."""
    while view is not None:
        listed = (
            inspect.getclosurevars(view).nonlocals.get("request_method_list")
            if inspect.isfunction(view)
            else None
        )
        if listed is not None:
            return frozenset(listed) - {"HEAD", "OPTIONS"}
        view = getattr(view, "__wrapped__", None)
    return None


def _walk(patterns: list[URLPattern | URLResolver], namespaces: tuple[str, ...] = ()) -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inside = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _walk(pattern.url_patterns, inside)
        else:
            name = ":".join((*namespaces, pattern.name or f"(no name: {pattern.pattern})"))
            yield Route(name, pattern.callback, frozenset(pattern.pattern.regex.groupindex))


@cache
def routes() -> dict[str, Route]:
    """By name. A name that stands for two views would hide one of them from the policy."""
    found: dict[str, Route] = {}
    for route in _walk(get_resolver().url_patterns):
        if route.name in found and found[route.name].view is not route.view:
            raise AssertionError(f"two routes are called {route.name}")
        found[route.name] = route
    return found
