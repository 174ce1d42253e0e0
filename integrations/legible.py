"""An answer is read as it was meant or refused whole; what it was about stands in the refusal.

Python's JSON takes what is none (NaN), lets one of two equal keys win, and makes infinity of a number too large."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

from integrations.errors import RetryLater

log = logging.getLogger(__name__)

DEEPEST: Final = 50
LONGEST_NUMBER: Final = 40
"""Digits; a CRM's numbers have eighteen."""

_FAULTS = (
    KeyError, IndexError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What code that trusts an answer's form raises where the form is another."""


class Illegible(RetryLater):
    """An answer, or a part of it, that can't be read: nothing of it is kept, and the place stays where it was."""

    is_named = False


class legible:  # noqa: N801  (read as a verb: ``with legible(…)``)
    """Names what an illegible answer was about, once, and makes a misplaced form an illegible one.

    ``what``: the remote object, with the id where it is of one record."""

    __slots__ = ("what", "who")

    def __init__(self, who: str, what: str) -> None:
        self.who = who
        self.what = what

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Illegible):
            if not error.is_named:
                error.is_named = True
                error.args = (f"{error} It was about {self.what}.",)
        elif isinstance(error, _FAULTS):
            log.warning("%s's answer about %s has another form", self.who, self.what, exc_info=error)
            told = Illegible(
                f"{self.who}'s answer has another form than it should ({type(error).__name__})."
                f" It was about {self.what}."
            )
            told.is_named = True
            raise told from error


def strict_json(body: bytes, who: str) -> Any:
    """Raises Illegible for what is no JSON, is not clear, or is nested or large beyond reason."""
    try:
        found = json.loads(
            body,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except _Unclear as error:
        raise Illegible(f"{who}'s answer is not clear: {error}.") from error
    except RecursionError as error:
        raise Illegible(f"{who}'s answer is nested beyond reason.") from error
    except ValueError as error:
        raise Illegible(
            f"{who} answered with something that is not JSON; it may be under maintenance."
        ) from error
    if _is_deep(found):
        raise Illegible(f"{who}'s answer is nested beyond reason.")
    return found


def flag(row: Any, name: str) -> bool:
    """A yes or no of a row, no where it is absent or empty. Raises Illegible for anything else: a text “false” is
    neither."""
    value = row.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Illegible(f"{name} is neither true nor false but {str(value)[:40]!r}.")
    return value


def word(row: Any, name: str) -> str:
    """A text that has to be there. Raises Illegible."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise Illegible(f"{name} is no word but {str(value)[:40]!r}.")
    return value


class _Unclear(Exception):
    pass


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Unclear(f"it says {twice[:80]!r} twice")
    return found


def _no_constant(text: str) -> Any:
    raise _Unclear(f"it has {text} where a number belongs")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _Unclear(f"it has the number {text[:20]}, which nothing can hold")
    return number


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _Unclear(f"it has a number of {len(text)} digits")
    return int(text)


def _is_deep(found: Any) -> bool:
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return True
