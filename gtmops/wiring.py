"""The only place where upper rooms register with lower ones."""

from __future__ import annotations


def connect() -> None:
    """Called once, when all rooms are loaded."""
