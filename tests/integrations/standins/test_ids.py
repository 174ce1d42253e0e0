from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from integrations.standins.world import salesforce_id, salesforce_id_18


def test_ids_have_the_published_checksum() -> None:
    assert salesforce_id_18("001D000000IRFma") == "001D000000IRFmaIAH"


@given(st.integers(min_value=1, max_value=10_000_000))
def test_ids_are_18_characters_and_their_first_15_give_them_back(n: int) -> None:
    made = salesforce_id("00Q", n)
    assert len(made) == 18
    assert salesforce_id_18(made[:15]) == made


def test_ids_of_different_numbers_differ() -> None:
    assert len({salesforce_id("003", n) for n in range(5000)}) == 5000
