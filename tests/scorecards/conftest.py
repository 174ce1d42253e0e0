from __future__ import annotations

from tests.handoffs.conftest import House, house, signed_in

__all__ = ["House", "house", "signed_in"]
