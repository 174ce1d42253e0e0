"""A criterion reads as a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria.operators import OPERATORS
from definitions.criteria.targets.english import PHRASES
from tests.definitions.criteria.examples import leaf, read


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        (leaf("job_title", "is", "CEO"), "Job title is “CEO”"),
        (leaf("job_title", "is_none_of", ["CEO", "CFO"]), "Job title is not “CEO” or “CFO”"),
        (leaf("job_title", "starts_with", "Head"), "Job title starts with “Head”"),
        (leaf("country", "is_any_of", ["DE", "FR", "US"]), "Country is DE, FR or US"),
        (leaf("interests", "includes_all", ["crm", "bi"]), "Interests includes CRM and Reports"),
        (leaf("interests", "includes_none", ["ops"]), "Interests does not include ops"),
        (leaf("employees", "at_least", 10000), "Employees is at least 10,000"),
        (leaf("employees", "less_than", 0.5), "Employees is less than 0.5"),
        (leaf("budget", "between", [1e3, 2500.75]), "Budget is between 1,000 and 2,500.75"),
        (leaf("wants_demo", "is_true"), "Wants a demo is yes"),
        (leaf("born_on", "before", "2026-03-01"), "Born on is before 1 March 2026"),
        (
            leaf("touched_at", "after", "2026-03-01T10:00:00+01:00"),
            "Last touch is after 1 March 2026 09:00 UTC",
        ),
        (leaf("touched_at", "within_last", {"days": 1}), "Last touch is within the last 1 day"),
        (leaf("touched_at", "within_next", {"minutes": 90}), "Last touch is within the next 90 minutes"),
        (leaf("touched_at", "more_than_ago", {"weeks": 2}), "Last touch is more than 2 weeks ago"),
        (leaf("owner", "is_empty"), "Owner is empty"),
        ({"not": leaf("owner", "is_empty")}, "not (Owner is empty)"),
        (
            {
                "all": [
                    leaf("country", "is", "DE"),
                    {"any": [leaf("wants_demo", "is_true"), leaf("employees", "more_than", 50)]},
                    {"all": [leaf("owner", "is_not_empty")]},
                ]
            },
            "Country is DE and (Wants a demo is yes or Employees is more than 50) and Owner is not empty",
        ),
        (
            {"not": {"any": [leaf("country", "is", "DE"), leaf("country", "is", "FR")]}},
            "not (Country is DE or Country is FR)",
        ),
    ],
)
def test_a_tree_reads_as_a_sentence(tree: Any, sentence: str) -> None:
    assert read(tree).to_english() == sentence


def test_every_operator_has_its_words() -> None:
    assert set(PHRASES) == set(OPERATORS)
