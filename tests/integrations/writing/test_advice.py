"""What to do about a refusal."""

from __future__ import annotations

import pytest

from integrations.writing.advice import UNKNOWN, advice_on


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        ("DUPLICATES_DETECTED: Use one of these records?", "Merge the two there"),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION: Ask CLOSED_WON first", "Correct the record"),
        ("Given up after 8 tries: UNABLE_TO_LOCK_ROW: unable to obtain exclusive access", "a job that edits"),
        (
            "HubSpot: gtm_stage: SQL was not one of the allowed options: [] (INVALID_OPTION)",
            "Everything we may",
        ),
        ("NOT_KEPT: Salesforce answered that it was saved, and shows nothing.", "Take our field out of it"),
        (
            "CANNOT_EXECUTE_FLOW_TRIGGER: the flow \u201cRoute\u201d failed: REQUIRED_FIELD_MISSING",
            "(a flow or a trigger)",
        ),
        ("WHAT_NOBODY_KNOWS: no", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_a_refusal_says_what_to_change(refusal: str, advice: str) -> None:
    assert advice in advice_on(refusal)
