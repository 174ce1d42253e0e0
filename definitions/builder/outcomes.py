"""What trying a condition found: how many records pass, which change sides, and some by name. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from definitions.judging.counting import Counts

TOO_SLOW = "Too slow to count while editing."


class TooSlow(Exception):
    """The records could not be judged within the time limit."""


@dataclass(frozen=True)
class Example:
    """One record with its page. ``because``: what it is missing, or can't be told, in words; empty when it passes."""

    record_id: uuid.UUID
    title: str
    href: str
    connection: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examples:
    """Up to five each way, from the records counted."""

    met: tuple[Example, ...] = ()
    missing: tuple[Example, ...] = ()
    unknown: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Flips:
    """Records that change sides between two versions. ``gained``: pass only by the new one; ``lost``: no longer pass;
    ``unknown``: could be told by the old one and can't by the new (the lost among them are counted as lost too).

    All numbers are records; estimates when ``is_sampled``. ``margin``: of gained and lost, to either side, at 95%.
    ``…_of_year``: of the records that came to the CRM in the last 12 months; None when it was not counted."""

    gained: int = 0
    lost: int = 0
    unknown: int = 0
    old_met: int = 0
    new_met: int = 0
    old_met_of_year: int | None = None
    new_met_of_year: int | None = None
    total: int = 0
    is_sampled: bool = False
    sample_size: int = 0
    margin: int = 0
    is_too_slow: bool = False
    gained_examples: tuple[Example, ...] = ()
    lost_examples: tuple[Example, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether it is certain that no record changes sides."""
        return not (self.gained or self.lost or self.unknown or self.is_sampled or self.is_too_slow)

    @property
    def words(self) -> str:
        """ "+196 new, −1,190 gone"."""
        if self.is_too_slow:
            return TOO_SLOW
        if not (self.gained or self.lost or self.unknown):
            return "No record changes" + (
                f" in a sample of {self.sample_size:,}." if self.is_sampled else "."
            )
        about = "About " if self.is_sampled else ""
        text = f"{about}+{self.gained:,} new, −{self.lost:,} gone"
        if self.unknown:
            text += f", {self.unknown:,} can't be told any more"
        return text + (
            f" (± {self.margin:,}, from a sample of {self.sample_size:,})" if self.is_sampled else ""
        )


@dataclass(frozen=True)
class Tried:
    """How a condition or a whole definition judges the viewer's records. Numbers are records.

    ``missing`` includes the excluded. ``excluded``: by key, each record under the first exclusion that holds.
    ``variants``: by key, of the records it is for. ``leaves``: by the leaf's path, each condition for itself, empty
    when there are too many. ``is_sampled``: numbers are estimates from ``sample_size`` records, ``margin`` is that of
    ``met`` to either side at 95%. ``is_too_slow``: nothing was counted."""

    met: int = 0
    missing: int = 0
    unknown: int = 0
    total: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    variants: Mapping[str, Counts] = field(default_factory=dict)
    leaves: Mapping[str, Counts] = field(default_factory=dict)
    is_sampled: bool = False
    sample_size: int = 0
    margin: int = 0
    is_too_slow: bool = False
    examples: Examples = Examples()
    flips: Flips | None = None

    @property
    def words(self) -> str:
        """ "412 of 8,120 pass", or "About 14,200 ± 300 of 1,000,000 pass, from a sample of 40,000"."""
        if self.is_too_slow:
            return TOO_SLOW
        if not self.is_sampled:
            return f"{self.met:,} of {self.total:,} pass"
        if not self.met:
            return f"None of {self.sample_size:,} looked at passes: at most about {self.margin:,} of {self.total:,} do"
        return (
            f"About {self.met:,} ± {self.margin:,} of {self.total:,} pass, "
            f"from a sample of {self.sample_size:,}"
        )
