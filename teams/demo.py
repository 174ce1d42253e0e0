"""The demo's sign-ins, shown on the sign-in page of a demo installation and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.conf import settings

# Public by purpose: the sign-in page of a demo prints it.
PASSWORD: Final = "show-me-fernhill"  # noqa: S105


@dataclass(frozen=True)
class DemoSignIn:
    """Someone to look through the eyes of; `label` is the role in words, "SDR (Austin)"."""

    label: str
    email: str


_sign_ins: list[DemoSignIn] = []


def register_demo_sign_ins(sign_ins: Iterable[DemoSignIn]) -> None:
    """Replace the list; called by gtmops/wiring.py."""
    _sign_ins[:] = sign_ins


def demo_sign_ins() -> list[DemoSignIn]:
    """Empty unless this installation is a demo."""
    return list(_sign_ins) if settings.DEMO else []
