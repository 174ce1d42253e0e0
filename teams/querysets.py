from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.models import BaseUserManager
from django.db import models
from django.db.models import F, FilteredRelation, Q

if TYPE_CHECKING:
    from teams.models import Person, Team


def border(units: models.QuerySet[Any], field: str = "business_unit") -> Q:
    """The read border as a condition: in one of `units`, or in no business unit at all.

    `field` is the path from the bordered row to its business unit (a foreign key or many-to-many)."""
    return Q(**{f"{field}__in": units}) | Q(**{f"{field}__isnull": True})


class PersonQuerySet(models.QuerySet["Person"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def in_team(self, team: Team) -> Self:
        """Whose membership of `team` is open now; `members_of` in services answers for another moment."""
        return self.filter(memberships__team=team, memberships__ended_at__isnull=True)

    def with_team_name(self) -> Self:
        """With `team_name`, of the team whose member each is now; None without one."""
        stay = FilteredRelation("memberships", condition=Q(memberships__ended_at__isnull=True))
        return self.alias(open_stay=stay).annotate(team_name=F("open_stay__team__name"))

    def led_by(self, person: Person) -> Self:
        return self.filter(manager=person)

    def visible_to(self, person: Person) -> Self:
        """People who share a business unit with `person`, people of no unit, and `person`."""
        from teams.access import business_units_of

        # A subquery, not a join: a person in two units must not appear twice.
        inside = self.model._default_manager.filter(
            border(business_units_of(person), "business_units")
        ).values("pk")
        return self.filter(Q(pk__in=inside) | Q(pk=person.pk))

    def searched(self, text: str) -> Self:
        """Whose name, e-mail or job title contains every word of `text`."""
        found = self
        for word in text.split():
            found = found.filter(
                Q(name__icontains=word) | Q(email__icontains=word) | Q(job_title__icontains=word)
            )
        return found


class PersonManager(BaseUserManager.from_queryset(PersonQuerySet)):  # type: ignore[misc]  # built at run time
    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> Person:
        person: Person = self.get(email__iexact=username)
        return person

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> Person:
        """A person; without a password one who owns work but can't sign in."""
        person: Person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Person:
        from teams.models import Role

        return self.create_user(email, password, **{"role": Role.SYSTEM_ADMIN, "is_superuser": True} | fields)


class MembershipQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        return self.filter(ended_at__isnull=True)

    def at(self, moment: datetime) -> Self:
        """Half-open: a membership counts from its start and no longer at its end."""
        return self.filter(started_at__lte=moment).filter(Q(ended_at__isnull=True) | Q(ended_at__gt=moment))


class AbsenceQuerySet(models.QuerySet[Any]):
    def standing(self) -> Self:
        """Not taken back."""
        return self.filter(withdrawn_at__isnull=True)

    def at(self, moment: datetime) -> Self:
        held = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=moment)
        return self.filter(held, starts_at__lte=moment, ends_at__gt=moment)

    def overlapping(self, begin: datetime, end: datetime) -> Self:
        """Any part of which lies in [begin, end)."""
        return self.filter(starts_at__lt=end, ends_at__gt=begin)


class ApiTokenQuerySet(models.QuerySet[Any]):
    def usable(self, now: datetime) -> Self:
        return self.filter(revoked_at__isnull=True, person__is_active=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        )
