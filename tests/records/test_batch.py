"""What several rooms need of one batch is loaded by the first that asks."""

from __future__ import annotations

from datetime import UTC, datetime

from records.journey_data import Batch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_what_rooms_share_is_loaded_once_for_a_batch() -> None:
    loaded: list[tuple[str, ...]] = []

    def load(*names: str) -> tuple[str, ...]:
        loaded.append(names)
        return names

    first, second = Batch({}, now=NOON), Batch({}, now=NOON)
    told = [
        first.once(load, "staff"),
        first.once(load, "staff"),
        first.once(load),
        second.once(load, "staff"),
    ]
    assert told == [("staff",), ("staff",), (), ("staff",)]
    assert loaded == [("staff",), (), ("staff",)]
