"""A change reaches those who are judged by it over an account, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from definitions.judging.related_reads import relations_read
from definitions.models import Version
from records import dependents
from records.dependents import dependents_of, register_reader
from records.ids import record_id
from records.models import Connection, Event, Journey, Record

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
REMOTE = {"person": "Lead", "deal": "Opportunity", "account": "Account"}


@pytest.fixture
def salesforce(db: None) -> Connection:
    return Connection.objects.create(name="salesforce", label="Salesforce", kind="salesforce")


@pytest.fixture
def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependents, "_readers", [])


@pytest.fixture
def house(salesforce: Connection) -> dict[str, Record]:
    """Two buyers and two deals at account 1, one buyer at account 2."""

    def make(name: str, object_name: str, journey: str, **values: Any) -> Record:
        pk = record_id("salesforce", REMOTE[object_name], name)
        home = None
        if journey:
            home, _ = Journey.objects.get_or_create(
                key=journey, defaults={"id": record_id("j", "j", journey)}
            )
        return Record.objects.create(
            id=pk, connection=salesforce, object=object_name, remote_object=REMOTE[object_name], remote_id=name,
            values=values, journey=home,
        )  # fmt: skip

    return {
        "one": make("1", "account", ""),
        "two": make("2", "account", ""),
        "mara": make("mara", "person", "a", converted_account="1"),
        "deal": make("deal", "deal", "a", account="1"),
        "otto": make("otto", "person", "b", converted_account="1"),
        "ida": make("ida", "person", "c", converted_account="2"),
        "renewal": make("renewal", "deal", "d", account="1"),
    }


def names(house: dict[str, Record], found: set[Any]) -> set[str]:
    """A journey stands for whoever of it is touched."""
    journeys = {record.pk: str(record.journey or record.remote_id) for record in house.values()}
    return {journeys[pk] for pk in found}


@pytest.mark.parametrize(
    ("reads", "changed", "reached"),
    [
        (set(), "renewal", set()),
        ({("person", "deals")}, "deal", set()),
        ({("person", "account_deals")}, "renewal", {"a", "b"}),
        ({("person", "account_deals")}, "ida", set()),
        ({("person", "account")}, "one", {"a", "b", "d"}),
        ({("person", "account")}, "renewal", set()),
        ({("account", "deals")}, "renewal", {"1"}),
        ({("account", "people")}, "ida", {"2"}),
    ],
)
def test_a_change_reaches_whom_a_rule_relates_to_it(
    house: dict[str, Record], only_told: None, reads: set[tuple[str, str]], changed: str, reached: set[str]
) -> None:
    register_reader(lambda now: reads)
    found = names(house, dependents_of([house[changed].pk], NOW))
    assert found - {str(house[changed].journey)} == reached


def test_a_deal_that_moves_reaches_those_of_the_account_it_left(
    house: dict[str, Record], only_told: None
) -> None:
    register_reader(lambda now: {("person", "account_deals")})
    renewal = house["renewal"]
    renewal.values = {"account": "2"}
    renewal.save()
    Event.objects.create(
        connection=renewal.connection, external_key="moved", kind="change", record=renewal, field="account",
        old="1", new="2", occurred_at=NOW, observed_at=NOW,
    )  # fmt: skip
    assert names(house, dependents_of([renewal.pk], NOW)) == {"a", "b", "c"}


@pytest.mark.django_db
def test_the_relations_of_what_is_in_force_or_watched_are_read() -> None:
    def make(key: str, name: str, **more: Any) -> None:
        tree = {"all": [{"not": {"related": name, "at_least": 1}}]}
        Version.objects.create(
            section="definitions", key=key, number=1, body={"object": "person", "criteria": tree}, **more
        )

    signed = Version.State.SIGNED
    make("in_force", "account_deals", state=signed, effective_from=NOW)
    make("later", "account", state=signed, effective_from=datetime(2027, 1, 1, tzinfo=UTC))
    make("gone", "account", state=signed, effective_from=NOW, retired_at=NOW)
    make("watched", "account_people", watch_from=NOW, watch_until=datetime(2027, 1, 1, tzinfo=UTC))
    make("draft", "account")
    assert relations_read(NOW) == {("person", "account_deals"), ("person", "account_people")}
