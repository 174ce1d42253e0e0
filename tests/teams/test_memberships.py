from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from teams.models import Absence, BusinessUnit, Membership, Person, Team
from teams.services import covers_at, deactivate, move_to_team, team_at, teams_at
from tests.teams.conftest import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def ae_team() -> Team:
    return Team.objects.create(key="ae", name="AE Berlin", purpose="sales")


def test_a_membership_counts_from_its_start_and_not_at_its_end(
    dana: Person, sdr_team: Team, ae_team: Team
) -> None:
    move_to_team(dana, sdr_team, NOW)
    move_to_team(dana, ae_team, NOW + DAY)
    facts = {
        NOW - timedelta(seconds=1): None,
        NOW: sdr_team,
        NOW + DAY - timedelta(seconds=1): sdr_team,
        NOW + DAY: ae_team,
    }
    assert {moment: team_at(dana, moment) for moment in facts} == facts


def test_teams_of_many_come_in_one_query(
    dana: Person, ines: Person, sdr_team: Team, django_assert_num_queries: object
) -> None:
    move_to_team(dana, sdr_team, NOW)
    with django_assert_num_queries(1):  # type: ignore[operator]  # pytest-django's context manager
        assert teams_at([dana.pk, ines.pk], NOW) == {dana.pk: sdr_team}


def test_moving_to_the_same_team_changes_nothing(dana: Person, sdr_team: Team) -> None:
    move_to_team(dana, sdr_team, NOW)
    move_to_team(dana, sdr_team, NOW + DAY)
    assert dana.memberships.get().started_at == NOW


def test_a_move_cannot_lie_before_the_last_one(dana: Person, sdr_team: Team, ae_team: Team) -> None:
    move_to_team(dana, sdr_team, NOW)
    with pytest.raises(ValidationError):
        move_to_team(dana, ae_team, NOW - DAY)


def test_the_database_refuses_two_teams_at_once(dana: Person, sdr_team: Team, ae_team: Team) -> None:
    Membership.objects.create(person=dana, team=sdr_team, started_at=NOW, ended_at=NOW + 2 * DAY)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(person=dana, team=ae_team, started_at=NOW + DAY)
    Membership.objects.create(person=dana, team=ae_team, started_at=NOW + 2 * DAY)


def test_deactivating_ends_the_membership_and_the_tokens(dana: Person, sdr_team: Team) -> None:
    from teams.tokens import issue_token

    move_to_team(dana, sdr_team, NOW)
    token, _ = issue_token(dana, name="Export")
    deactivate(dana, NOW + DAY)
    token.refresh_from_db()
    assert not Person.objects.get(pk=dana.pk).is_active
    assert dana.memberships.get().ended_at == NOW + DAY
    assert token.revoked_at == NOW + DAY


@pytest.mark.parametrize(("hours", "is_away"), [(-1, False), (0, True), (7, True), (8, False)])
def test_an_absence_counts_from_its_start_and_not_at_its_end(
    dana: Person, ines: Person, hours: int, is_away: bool
) -> None:
    Absence.objects.create(person=dana, starts_at=NOW, ends_at=NOW + timedelta(hours=8), cover=ines)
    covers = covers_at([dana.pk, ines.pk], NOW + timedelta(hours=hours))
    assert covers == ({dana.pk: ines} if is_away else {})


def test_an_absence_with_a_cover_counts_before_one_without(dana: Person, ines: Person) -> None:
    Absence.objects.create(person=dana, starts_at=NOW, ends_at=NOW + DAY)
    Absence.objects.create(person=dana, starts_at=NOW, ends_at=NOW + DAY, cover=ines)
    assert covers_at([dana.pk], NOW) == {dana.pk: ines}


def test_every_change_is_kept_even_one_by_plain_update(
    dana: Person, fleet: BusinessUnit, sdr_team: Team
) -> None:
    from django.apps import apps

    events = apps.get_model("teams", "PersonEvent").objects.filter(pgh_obj_id=dana.pk)
    Person.objects.filter(pk=dana.pk).update(role="manager")
    Person.objects.filter(pk=dana.pk).update(last_login=NOW)
    assert list(events.order_by("pgh_id").values_list("pgh_label", "role")) == [
        ("insert", "rep"),
        ("update", "manager"),
    ]
    grants = apps.get_model("teams", "UnitGrantEvent").objects.filter(person_id=dana.pk)
    dana.business_units.clear()
    assert list(grants.order_by("pgh_id").values_list("pgh_label", "businessunit_id")) == [
        ("insert", fleet.pk),
        ("delete", fleet.pk),
    ]


def test_emails_are_unique_in_any_case(dana: Person) -> None:
    with pytest.raises(IntegrityError):
        Person.objects.bulk_create([Person(email="DANA@fernhill.example", name="Another")])


def test_an_absence_that_was_taken_back_is_none(dana: Person, ines: Person) -> None:
    day = timedelta(days=1)
    Absence.objects.create(
        person=dana, starts_at=NOW - day, ends_at=NOW + day, cover=ines, withdrawn_at=NOW - day / 2
    )
    assert covers_at([dana.pk], NOW) == {}
    assert covers_at([dana.pk], NOW - day * 3 / 4) == {dana.pk: ines}
