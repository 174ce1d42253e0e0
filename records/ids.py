"""Derived ids: uuid5 of natural keys, so that recalculating from history gives the same rows."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("6f0d9a56-3c1b-5e0a-9a54-67746d6f7073")


def derive_id(*parts: str) -> uuid.UUID:
    """The id of the thing whose natural key is ``parts``; order matters, no part may contain a newline."""
    return uuid.uuid5(_NAMESPACE, "\n".join(parts))


def record_key(connection: str, remote_object: str, remote_id: str) -> str:
    """The natural key of a record: ``connection:remote object:remote id``."""
    return f"{connection}:{remote_object}:{remote_id}"


def record_id(connection: str, remote_object: str, remote_id: str) -> uuid.UUID:
    return derive_id("record", record_key(connection, remote_object, remote_id))
