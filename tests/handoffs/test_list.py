from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from handoffs import services
from teams.models import Person
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP


@pytest.fixture
def three(house: House) -> House:
    house.handoff("L1", Company="Openham")
    services.send(house.handoff("L2", Company="Sentley", **FULL), house.sdr, STEP, key="1", now=house.now)
    back = services.send(
        house.handoff("L3", Company="Backford", **FULL), house.sdr, STEP, key="2", now=house.now
    )
    services.send_back(back, house.ae, reason="no_need", text="", key="3", now=house.now)
    return house


@pytest.mark.parametrize(
    ("who", "query", "shown"),
    [
        ("sdr", "", {"Openham", "Sentley", "Backford"}),
        ("sdr", "tab=to-send", {"Openham", "Backford"}),
        ("sdr", "tab=to-answer", set()),
        ("sdr", "tab=waiting", {"Sentley"}),
        ("ae", "tab=to-answer", {"Sentley"}),
        ("ae", "tab=waiting", {"Backford"}),
        ("ae", "q=backF", {"Backford"}),
        ("ae", "q=nothing+here", set()),
        ("ae", "state=sent", {"Sentley"}),
        ("ae", "team=cs", set()),
        ("ae", "template=sdr_to_ae&team=sdr", {"Openham", "Sentley", "Backford"}),
        ("ae", "tab=nonsense&state=nonsense&team=nonsense&page=900", {"Openham", "Sentley", "Backford"}),
    ],
)
def test_tabs_and_filters(
    three: House, signed_in: Callable[[Person], Client], who: str, query: str, shown: set[str]
) -> None:
    client = signed_in(getattr(three, who))
    text = client.get(f"{reverse('handoffs:list')}?{query}").content.decode()
    assert {name for name in ("Openham", "Sentley", "Backford") if name in text} == shown
    exported = b"".join(client.get(f"{reverse('handoffs:export')}?{query}")).decode()  # type: ignore[call-overload]  # it streams
    assert {name for name in ("Openham", "Sentley", "Backford") if name in exported} == shown
    assert len(exported.splitlines()) == len(shown) + 1
