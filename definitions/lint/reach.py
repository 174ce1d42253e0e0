"""Stages that nothing can reach. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from definitions.sections import Body, Fault


def unreachable(may_follow: Mapping[str, Sequence[str]]) -> list[str]:
    """Keys that no path leads to, in the order given. A stage that follows none in particular can be entered first."""
    reached = {key for key, before in may_follow.items() if not before}
    while True:
        more = {
            key for key, before in may_follow.items() if key not in reached and reached.intersection(before)
        }
        if not more:
            return [key for key in may_follow if key not in reached]
        reached |= more


def lifecycle_faults(stages: Mapping[str, Body]) -> Iterator[tuple[str, Fault]]:
    """(stage, fault) for lifecycle stages behind a door that nothing opens."""
    told = {key: [str(k) for k in body.get("may_follow") or ()] for key, body in stages.items()}
    for key in unreachable(told):
        yield key, Fault(("may_follow",), "unreachable", _text(told[key]))


def pipeline_faults(body: Body) -> Iterator[Fault]:
    """Pipeline stages behind a door that nothing opens."""
    stages = list(body.get("stages") or ())
    told = {str(stage.get("key")): [str(k) for k in stage.get("may_follow") or ()] for stage in stages}
    closed = unreachable(told)
    for i, stage in enumerate(stages):
        if str(stage.get("key")) in closed:
            yield Fault(("stages", i, "may_follow"), "unreachable", _text(told[str(stage.get("key"))]))


def _text(before: Sequence[str]) -> str:
    names = ", ".join(before)
    return f"no record can arrive here by the rules: it may only follow {names}, which nothing reaches first"
