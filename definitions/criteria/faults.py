"""What is wrong with a tree, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One mistake. `path` starts at `$`, e.g. `$.all[0].value`; `code` is stable, `text` is for people."""

    path: str
    code: str
    text: str


class CriterionError(ValueError):
    """A tree that cannot become a criterion. `faults` holds every mistake found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{fault.path}: {fault.text}" for fault in self.faults))
