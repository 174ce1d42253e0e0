"""One running product for all stories. It is stormed while it loads, so every story also holds after twenty kills."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.end_to_end.product import CHILDREN, Product, running_product, wait_for

KILLS = 20
SEED = 20261122


@dataclass
class Storm:
    """What the kill -9 storm during the first load did."""

    kills: list[tuple[float, str]] = field(default_factory=list)
    loaded_after_seconds: float = 0


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("product")) as started:
        yield started


@pytest.fixture(scope="session")
def storm(product: Product) -> Storm:
    """Kill worker, ticker and web at random moments of the first load, then wait until all is concluded."""
    chance = random.Random(SEED)
    began = time.monotonic()
    done = Storm()
    while len(done.kills) < KILLS:
        time.sleep(chance.uniform(0.3, 3.0))
        name = chance.choice(CHILDREN)
        if product.kill(name):
            done.kills.append((time.monotonic() - began, name))
    wait_for(product.is_settled, seconds=600, what="the first load is concluded")
    done.loaded_after_seconds = time.monotonic() - began
    return done


@pytest.fixture
def loaded(product: Product, storm: Storm) -> Product:
    """The product with all of Fernhill read and concluded."""
    return product
