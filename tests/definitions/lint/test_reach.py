"""Stages behind doors that nothing opens."""

from __future__ import annotations

import pytest

from definitions.lint.reach import lifecycle_faults, pipeline_faults, unreachable


@pytest.mark.parametrize(
    ("may_follow", "closed"),
    [
        ({"lead": [], "mql": []}, []),
        ({"lead": [], "mql": ["lead"], "sql": ["mql"]}, []),
        ({"lead": [], "mql": ["sql"], "sql": ["mql"]}, ["mql", "sql"]),
        ({"lead": [], "mql": ["gone"]}, ["mql"]),
        ({"mql": ["lead"], "lead": []}, []),
    ],
)
def test_a_stage_is_reached_when_a_chain_from_an_open_one_leads_to_it(
    may_follow: dict[str, list[str]], closed: list[str]
) -> None:
    assert unreachable(may_follow) == closed


def test_the_remark_says_what_it_waits_for() -> None:
    ((key, fault),) = lifecycle_faults({"lead": {}, "mql": {"may_follow": ["raw"]}})
    assert (key, fault.code) == ("mql", "unreachable")
    assert "it may only follow raw" in fault.text


def test_a_pipeline_stage_is_told_by_its_place() -> None:
    body = {"stages": [{"key": "discovery"}, {"key": "won", "may_follow": ["gone"]}]}
    (fault,) = pipeline_faults(body)
    assert fault.path == ("stages", 1, "may_follow")
