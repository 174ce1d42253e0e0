from __future__ import annotations

from datetime import timedelta

import pytest

from definitions.judging import publishing
from definitions.judging.publishing import enqueue_population, next_publish, publish_due
from definitions.models import Version
from records.models import Connection, Touched
from tests.definitions.conftest import NOW, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("starter")]


def publish_all(at: object = NOW) -> int:
    pages = 0
    while publish_due(at):  # type: ignore[arg-type]  # a datetime
        pages += 1
    return pages


def version_2(**more: object) -> Version:
    old = Version.objects.get(section="definitions", key="mql", number=1)
    told = {"state": "signed", "effective_from": NOW} | more
    return Version.objects.create(section="definitions", key="mql", number=2, body=old.body, **told)


def test_a_version_in_force_marks_the_records_it_is_about(
    hubspot: Connection, salesforce: Connection
) -> None:
    publish_all()
    person = make_record(hubspot, "1", {})
    make_record(salesforce, "1", {})
    make_record(hubspot, "1", {}, object_name="deal")
    version_2()
    assert publish_all() == 1
    assert list(Touched.objects.values_list("record", flat=True)) == [person.pk]
    assert publish_all() == 0


def test_a_large_population_is_marked_page_by_page(
    hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_all()
    monkeypatch.setattr(publishing, "POPULATION_PAGE", 2)
    people = [make_record(hubspot, str(i), {}) for i in range(5)]
    version_2()
    assert publish_all() == 3
    marked = Touched.objects.values_list("record", flat=True)
    assert sorted(marked) == sorted(p.pk for p in people)


def test_a_version_of_the_future_waits_for_its_day(hubspot: Connection) -> None:
    publish_all()
    make_record(hubspot, "1", {})
    tomorrow = NOW + timedelta(days=1)
    version_2(effective_from=tomorrow)
    assert publish_all() == 0
    assert next_publish(NOW) == tomorrow
    assert publish_all(tomorrow) == 1


def test_a_draft_marks_nothing(hubspot: Connection) -> None:
    publish_all()
    make_record(hubspot, "1", {})
    version_2(state="draft", effective_from=None)
    assert publish_all() == 0
    assert next_publish(NOW) is None


def test_going_out_of_force_marks_the_population_again(hubspot: Connection) -> None:
    publish_all()
    make_record(hubspot, "1", {})
    tomorrow = NOW + timedelta(days=1)
    Version.objects.filter(section="definitions", key="mql").update(retired_at=tomorrow)
    assert publish_all() == 0
    assert publish_all(tomorrow) == 1
    assert publish_all(tomorrow) == 0


def test_a_population_can_be_marked_on_demand(hubspot: Connection) -> None:
    make_record(hubspot, "1", {})
    assert enqueue_population("definitions", "mql", NOW) == 1
    assert Touched.objects.count() == 1
    assert enqueue_population("definitions", "no_such", NOW) == 0
