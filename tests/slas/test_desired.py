"""What the CRM shows of clocks that are late."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from slas.desired import late_words

TOUCH = ("First human touch", datetime(2026, 3, 2, 14, 5, tzinfo=UTC))
NOTES = ("Context notes", datetime(2026, 11, 22, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("late", "words"),
    [
        ([], None),
        ([TOUCH], "First human touch, due 2 Mar 14:05 UTC"),
        ([TOUCH, NOTES], "First human touch, due 2 Mar 14:05 UTC | Context notes, due 22 Nov 09:00 UTC"),
    ],
)
def test_what_is_late_is_told_by_name_and_due_time(late, words):
    assert late_words(late) == words
