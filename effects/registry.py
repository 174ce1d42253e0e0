"""Channels: how an effect of a kind is delivered. Filled in by ``gtmops.wiring``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Deliver = Callable[[str, Mapping[str, Any]], None]
"""``deliver(key, payload)`` carries the effect out. Raises ``Refused`` when trying again is useless, ``NotNow`` when
the receiver says from when on."""


class Refused(Exception):
    """The receiver will never take this effect; the row becomes dead with the text as its reason."""


class NotNow(Exception):
    """The receiver asks for a pause of ``seconds``, for everything sent by this channel."""

    def __init__(self, text: str, *, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


_channels: dict[str, Deliver] = {}


def register_channel(name: str, deliver: Deliver) -> None:
    if name in _channels:
        raise ValueError(f"channel {name} is registered twice")
    _channels[name] = deliver


def channel(name: str) -> Deliver:
    """Raises Refused for a channel nobody registered, so that the row says so instead of waiting for ever."""
    try:
        return _channels[name]
    except KeyError:
        raise Refused(f"no channel named {name}") from None
