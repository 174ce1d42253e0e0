"""Channels: how an effect of a kind is delivered. Filled in by ``gtmops.wiring``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Deliver = Callable[[str, Mapping[str, Any]], None]
"""``deliver(key, payload)`` carries the effect out. Raises ``Refused`` when trying again is useless, ``NotNow`` when
the receiver says from when on."""


class Refused(Exception):
    """The receiver will never take this effect; the row becomes dead with the text as its reason."""


class NotWanted(Exception):
    """Nobody wants this effect here (any more): it ends without a complaint, with the text as its reason."""


class NotNow(Exception):
    """The receiver asks for a pause of ``seconds``, for everything sent by this channel. ``is_try`` False: it was not
    even asked, so this counts as no try."""

    def __init__(self, text: str, *, seconds: float, is_try: bool = True) -> None:
        super().__init__(text)
        self.seconds = seconds
        self.is_try = is_try


WhyNot = Callable[[Mapping[str, Any]], str]
"""``why_not(payload)``: in words why such an effect would not be carried out now; empty when it would."""


_channels: dict[str, Deliver] = {}
_why_not: dict[str, WhyNot] = {}


def register_channel(name: str, deliver: Deliver, why_not: WhyNot | None = None) -> None:
    if name in _channels:
        raise ValueError(f"channel {name} is registered twice")
    _channels[name] = deliver
    if why_not is not None:
        _why_not[name] = why_not


def why_not(channel: str, payload: Mapping[str, Any]) -> str:
    """Why an effect would not be carried out now, in words for whoever asks for it; empty when it would."""
    if channel not in _channels:
        return f"There is no way {channel} here."
    return _why_not[channel](payload) if channel in _why_not else ""


def channel(name: str) -> Deliver:
    """Raises Refused for a channel nobody registered, so that the row says so instead of waiting for ever."""
    try:
        return _channels[name]
    except KeyError:
        raise Refused(f"no channel named {name}") from None
