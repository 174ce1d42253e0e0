from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from definitions.files.model_yaml import MAX_BYTES, Unreadable, read_yaml, write_yaml
from definitions.files.starter import STARTER_MODEL

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
KEYS = st.text("abcdefgh_yntrue0", min_size=1, max_size=8)
PLAIN = st.one_of(
    TEXT,
    st.booleans(),
    st.none(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["08:30", "yes", "no", "null", "~", "1", "1.0", "0x1F", "2026-09-01", "- a", "a: b", "#", " x ", "?x"]
    ),
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@example({"rows": [{"label": "?x"}, ["?x"]]})
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_reads_back_as_the_same_values(body: dict[str, Any]) -> None:
    assert read_yaml(write_yaml(body))[0] == body


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_writing_twice_gives_the_same_text(body: dict[str, Any]) -> None:
    text = write_yaml(body)
    assert write_yaml(read_yaml(text)[0]) == text


def test_every_starter_file_survives_writing() -> None:
    for file in STARTER_MODEL.glob("*.yaml"):
        value, _ = read_yaml(file.read_text("utf-8"))
        assert read_yaml(write_yaml(value))[0] == value


def test_every_value_keeps_its_line() -> None:
    _, lines = read_yaml(
        "definitions:\n  mql:\n    criteria:\n      all:\n        - {field: x}\n        - y\n"
    )
    assert lines["definitions", "mql", "criteria", "all", 1] == 6


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: 2\na: 3", "repeated", 3),
        ("a: &x [1]\nb: *x", "alias", 1),
        ("a: &x\n  b: *x", "alias", 1),
        ("a: !!python/object:os.system x", "tag", 1),
        ("a: !mine [1]", "tag", 1),
        ("b: 1\na: [1", "not_yaml", 2),
        ("a: 1\n---\nb: 2", "not_yaml", 2),
        ("a:\tb", "not_yaml", 1),
        ("a: \x07", "not_yaml", 1),
        ("<<: {a: 1}", "key", 1),
        ("? [a]\n: 1", "key", 1),
        ('"\\0": 1', "key", 1),
        ('a: "\\0"', "value", 1),
        ("a: .inf", "value", 1),
        ("a: .nan", "value", 1),
        ("a: 99999999999999999999999", "value", 1),
        ("[" * 3000, "too_deep", 1),
        ("a: " + "x" * MAX_BYTES, "too_large", 1),
    ],
)
def test_text_that_is_no_model_is_refused_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read_yaml(text, file="x.yaml")
    fault = caught.value.faults[0]
    assert (fault.code, fault.line, fault.file) == (code, line, "x.yaml")
