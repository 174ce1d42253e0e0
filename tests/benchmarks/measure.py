from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Case = TypeVar("Case")
Answer = TypeVar("Answer")

OPTIONS: dict[str, str] = {}
"""``records``: how many records the benchmarks that judge sets make."""


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds are per call, the best of several rounds: noise only ever adds.

    ``goal``: how many times as fast as the peer it is to be, where that is a goal."""

    what: str
    ours_seconds: float
    peer: str
    peer_seconds: float
    goal: float | None = None

    @property
    def times_faster(self) -> float:
        return self.peer_seconds / self.ours_seconds


class WrongAnswerError(AssertionError):
    """Ours and the peer's answers differ; a time would mean nothing."""


def compare(
    what: str,
    cases: Sequence[Case],
    ours: Callable[[Case], Answer],
    peer_name: str,
    peer: Callable[[Case], Answer],
    *,
    goal: float | None = None,
    rounds: int = 5,
) -> Result:
    """Raises WrongAnswerError naming the first case on which the two differ."""
    for case in cases:
        mine, theirs = ours(case), peer(case)
        if mine != theirs:
            raise WrongAnswerError(f"{what}: {case!r} gives {mine!r}, but {peer_name} {theirs!r}")
    best = {"ours": float("inf"), "peer": float("inf")}
    for _ in range(rounds):
        # In turns, so that a noisy minute hits both.
        for name, act in (("ours", ours), ("peer", peer)):
            began = time.perf_counter()
            for case in cases:
                act(case)
            best[name] = min(best[name], (time.perf_counter() - began) / len(cases))
    return Result(what=what, ours_seconds=best["ours"], peer=peer_name, peer_seconds=best["peer"], goal=goal)
