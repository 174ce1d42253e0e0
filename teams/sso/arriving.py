"""Somebody comes from the identity provider: who they are here, made at their first sign-in, or why not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import pghistory
import structlog
from django.db import connection, transaction

from teams.granting import Wanted, grant, sole_unit
from teams.group_rules import GroupRules
from teams.models import Person, Role
from teams.sso.claims import Claims
from teams.sso.configured import SingleSignOn

log = structlog.get_logger(__name__)


class Reason(StrEnum):
    """Why somebody is refused; the page says what to do."""

    NO_EMAIL = "no_email"
    OTHER_DOMAIN = "other_domain"
    NOT_VERIFIED = "not_verified"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Refused(Exception):  # not an error of ours: an answer
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def arrive(
    claims: Claims, known: Person | None, *, provider: SingleSignOn, rules: GroupRules, now: datetime
) -> Person:
    """The person who signs in: ``known`` by an earlier sign-in, else found by verified e-mail, else made.

    Raises Refused. An address that the provider does not call verified never finds or makes anybody."""
    if not claims.email:
        raise Refused(Reason.NO_EMAIL)
    if not provider.welcomes(claims.email):
        raise Refused(Reason.OTHER_DOMAIN)
    if known is None and not claims.is_verified:
        raise Refused(Reason.NOT_VERIFIED)
    with transaction.atomic(), pghistory.context(source="single sign-on"):
        with connection.cursor() as cursor:
            # Two tabs of somebody new make one person.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"arriving {claims.email}"])
        # Exactly, not in any case: addresses are kept in lower case, and the database's upper case of some letters
        # of other alphabets is that of plain ones.
        person = known or Person.objects.filter(email=claims.email).first() or _add(claims)
        if not person.is_active:
            raise Refused(Reason.CLOSED)
        _follow(person, claims, rules, now)
    return person


def _add(claims: Claims) -> Person:
    person: Person = Person.objects.create_user(
        claims.email,
        name=claims.name or claims.email.partition("@")[0],
        role=Role.REP,
        time_zone=claims.time_zone or "UTC",
        follows_groups=True,
    )
    if unit := sole_unit():
        person.business_units.add(unit)
    log.info("person added at the first sign-in", person=person.pk)
    return person


def _follow(person: Person, claims: Claims, rules: GroupRules, now: datetime) -> None:
    """Unless SCIM says it already: one hand at a time."""
    if (
        not rules.rules
        or not (person.follows_groups or rules.over_hand)
        or person.provisioned_groups.exists()
    ):
        return
    if claims.groups is None:
        log.warning("the identity provider can't say all groups; role and team stay", person=person.pk)
        return
    given = rules.granted(claims.groups)
    every = {rule.unit for rule in rules.rules if rule.unit}
    teams = frozenset(rule.team for rule in rules.rules if rule.team)
    # A team or unit that only groups give goes with the group that gave it.
    wanted = Wanted(given.role, given.team, given.units, teams, frozenset(every - given.units))
    grant({person.pk: wanted}, rules, now)
    person.refresh_from_db(fields=["role"])
