from __future__ import annotations

from tests.records.matching.conftest import crms, ines, key, tell

__all__ = ["crms", "ines", "key", "tell"]
