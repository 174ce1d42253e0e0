"""Holds every request that reaches a stand-in of this process against HubSpot's API descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from integrations.standins.app import Application
from integrations.standins.http import Request, Response
from tests.integrations.hubspot_api.checking import faults_of, is_hubspot


@contextmanager
def recording() -> Iterator[list[str]]:
    """Gives the list that faults are added to while it is open."""
    faults: list[str] = []

    def observe(request: Request, response: Response) -> None:
        if is_hubspot(request.target):
            faults.extend(faults_of(request.method, request.target, request.body))

    Application.observers.append(observe)
    try:
        yield faults
    finally:
        Application.observers.remove(observe)
