"""What the stories plant into: people first, rows last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

from integrations.standins.fernhill.moments import Moments
from integrations.standins.fernhill.prospect import Group, Prospect

if TYPE_CHECKING:
    from integrations.standins.fernhill.deals import Deal

QUARTERS = ((360, 275), (272, 184), (181, 93), (90, 3))
"""Oldest and newest day before the anchor of each of the four quarters of the counted year."""

FLOOD_QUARTER = 1


class WorldBuilder:
    """Holds the plan of the world. A story picks people who belong to no story yet and decides their fate."""

    def __init__(self, anchor: datetime, seed: int) -> None:
        self.seed = seed
        self.moments = Moments(anchor)
        self.prospects: list[Prospect] = []
        self.deals: list[Deal] = []

    @property
    def anchor(self) -> datetime:
        return self.moments.anchor

    def random(self, area: str) -> Random:
        """A generator of its own per area, so that a new story leaves the draws of the others alone."""
        return Random(f"{self.seed}:{area}")

    def add(
        self, count: int, origin: str, group: Group, *, qualify: int = 0, deals: int = 0
    ) -> list[Prospect]:
        """``count`` people, of whom the first ``qualify`` reach Qualified and the first ``deals`` become deals."""
        start = len(self.prospects)
        added = [
            Prospect(n=start + i, origin=origin, group=group, qualifies=i < qualify, deal=i < deals)
            for i in range(count)
        ]
        self.prospects.extend(added)
        return added

    def free(
        self,
        *,
        origin: str | None = None,
        group: Group | None = None,
        qualifies: bool | None = None,
        deal: bool | None = None,
        where: Callable[[Prospect], bool] | None = None,
    ) -> Iterator[Prospect]:
        for p in self.prospects:
            if (
                not p.story
                and (origin is None or p.origin == origin)
                and (group is None or p.group == group)
                and (qualifies is None or p.qualifies == qualifies)
                and (deal is None or p.deal == deal)
                and (where is None or where(p))
            ):
                yield p

    def sample(self, count: int, area: str, candidates: Iterable[Prospect]) -> list[Prospect]:
        """``count`` of ``candidates``, who stay free; raises ValueError when there are fewer."""
        pool = list(candidates)
        if len(pool) < count:
            raise ValueError(f"{area} needs {count} people, there are {len(pool)}")
        return self.random(f"sample:{area}").sample(pool, count)

    def pick(
        self,
        count: int,
        story: str,
        *,
        origin: str | None = None,
        group: Group | None = None,
        qualifies: bool | None = None,
        deal: bool | None = None,
        where: Callable[[Prospect], bool] | None = None,
    ) -> list[Prospect]:
        """Take ``count`` free people for ``story``, which keeps them; raises ValueError when there are fewer."""
        candidates = self.free(origin=origin, group=group, qualifies=qualifies, deal=deal, where=where)
        chosen = self.sample(count, f"{story}:{origin}:{group}:{qualifies}:{deal}", candidates)
        for p in chosen:
            p.story = story
        return chosen
