"""The four errors a connector raises; each says what happens next. Each provider makes them in one place."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrations.base import PushResult


class ConnectorError(Exception):
    """``str(error)`` is a sentence for the admin, with the CRM's own words where it said any.

    ``answered``: of a push that took several calls, what the CRM said before this came."""

    answered: tuple[PushResult, ...] = ()


class RetryLater(ConnectorError):
    """Nothing is wrong on our side: throttled, locked, away, or an answer that can't be read. Not before ``at``.

    ``at`` None: the caller backs off. ``is_for_all`` when every other call to the connection would fail too.
    ``is_untouched``: the CRM surely did nothing of what was asked; otherwise it may have, and nobody heard of it."""

    def __init__(
        self,
        text: str,
        *,
        at: datetime | None = None,
        is_for_all: bool = False,
        is_untouched: bool = False,
    ) -> None:
        super().__init__(text)
        self.at = at
        self.is_for_all = is_for_all
        self.is_untouched = is_untouched


class Reconnect(ConnectorError):
    """The credentials are no longer good: a person has to connect again."""


class Misconfigured(ConnectorError):
    """This can't work until someone changes something: a missing scope, field, object or a foreign host."""


class Rejected(ConnectorError):
    """The CRM took the request and refused what it asked, for good. ``fields``: remote names that it blamed."""

    def __init__(self, text: str, *, code: str = "", fields: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.fields = fields
