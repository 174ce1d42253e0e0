"""A connection that writes, the line between it and the stand-in, and what is wanted of its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations import provision
from integrations.pull import pull_to_the_end
from integrations.registry import connector_class
from integrations.standins.app import Application, Running, running_standins
from integrations.standins.http import Request, Response
from records.models import Connection, DesiredField, Record
from records.own_fields import OWN_FIELD_BY_NAME
from tests.integrations.conftest import connect, small_world
from tests.integrations.writing.bare import Bare, make_bare

WRITES = ("/composite/sobjects", "/batch/update")

Act = Callable[[Request, Callable[[], Response]], Response]
"""(request, carry it out) -> the answer."""


def is_sign_in(path: str) -> bool:
    return path.startswith(("/services/oauth2/token", "/oauth/v3/token"))


@dataclass
class Wire:
    """Every call to the stand-in, and what a test makes of the next writes."""

    calls: list[tuple[str, str]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    always: Act | None = None
    reading: Act | None = None
    """What becomes of every call that neither writes nor signs in."""
    signing_in: list[Act] = field(default_factory=list)
    """What becomes of the next sign-ins and renewals."""

    @property
    def writes(self) -> int:
        return sum(method in {"PATCH", "POST"} and path.endswith(WRITES) for method, path in self.calls)

    @property
    def reads(self) -> int:
        return len(self.calls) - self.writes - self.sign_ins

    @property
    def sign_ins(self) -> int:
        return sum(is_sign_in(path) for _, path in self.calls)

    def forget(self) -> None:
        self.calls.clear()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    real = Application.__call__

    def heard(self: Application, request: Request) -> Response:
        wire.calls.append((request.method, request.path))

        def carry_out() -> Response:
            return real(self, request)

        if request.path.endswith(WRITES) and (wire.acts or wire.always):
            act = wire.acts.pop(0) if wire.acts else wire.always
            assert act is not None
            return act(request, carry_out)
        if is_sign_in(request.path) and wire.signing_in:
            return wire.signing_in.pop(0)(request, carry_out)
        if wire.reading and not is_sign_in(request.path):
            return wire.reading(request, carry_out)
        return carry_out()

    monkeypatch.setattr(Application, "__call__", heard)
    return wire


@dataclass
class Live:
    """A connection that is live and writes, with ``count`` people."""

    connection: Connection
    standins: Running

    def want(self, field: str, value: Any, count: int | None = None) -> list[DesiredField]:
        records = Record.objects.filter(connection=self.connection, object="person").order_by("remote_id")
        return DesiredField.objects.bulk_create(
            [
                DesiredField(
                    record=r, field=field, writer="test", desired=value, next_try_at=r.seen_at, is_known=True
                )
                for r in records[:count]
            ]
        )

    def shown(self, own: str) -> dict[str, Any]:
        """Remote id -> what the stand-in keeps of one field of ours."""
        name = connector_class(self.connection.kind).own_field_name(OWN_FIELD_BY_NAME[own])
        found = {}
        for record in Record.objects.filter(connection=self.connection, object="person"):
            row = self.standins.store.get(self.connection.kind, record.remote_object, record.remote_id)
            assert row is not None
            found[record.remote_id] = row.fields.get(name)
        return found

    def effects(self) -> list[tuple[str, dict[str, Any]]]:
        """Every write that changed something there, oldest first."""
        return [(w["remote_id"], w["fields"]) for w in self.standins.store.writes(self.connection.kind)]


def make_live(kind: str, standins: Running) -> Live:
    connection = connect(
        kind, standins.base_url, go_live_at=datetime(2026, 1, 1, tzinfo=UTC), is_writing=True, switches=True
    )
    assert not provision.apply(connection, datetime.now(UTC)).error
    assert pull_to_the_end(connection) == []
    return Live(connection, standins)


@pytest.fixture(params=["salesforce", "hubspot"])
def live(request: pytest.FixtureRequest, db: None, wire: Wire) -> Iterator[Live]:
    """Both CRMs in turn, with seven people."""
    with running_standins(small_world(7)) as standins:
        found = make_live(request.param, standins)
        wire.forget()
        yield found


@pytest.fixture
def hubspot(db: None, wire: Wire) -> Iterator[Live]:
    """Where it does not matter which CRM it is."""
    with running_standins(small_world(7)) as standins:
        found = make_live("hubspot", standins)
        wire.forget()
        yield found


@pytest.fixture
def bare(db: None, monkeypatch: pytest.MonkeyPatch) -> Bare:
    """Where it does not matter how a CRM answers."""
    return make_bare(monkeypatch)
