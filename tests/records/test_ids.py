"""Derived ids are those of uuid5: what was stored under them is found again."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from records.ids import derive_id, record_id

NAMESPACE = uuid.UUID("6f0d9a56-3c1b-5e0a-9a54-67746d6f7073")
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"))


@given(st.lists(words, min_size=1, max_size=4))
def test_an_id_is_the_uuid5_of_its_parts(parts: list[str]) -> None:
    assert derive_id(*parts) == uuid.uuid5(NAMESPACE, "\n".join(parts))


def test_the_id_of_a_record_never_changes() -> None:
    assert str(record_id("a", "b", "c")) == "7afb9383-2897-52bf-8cf8-8116cc48e4e6"
