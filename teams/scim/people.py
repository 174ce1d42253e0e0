"""People as the identity provider says they are. One person for each e-mail address, wherever they came from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from scim2_models import (
    ForbiddenException,
    InvalidValueException,
    NotFoundException,
    UniquenessException,
)

from teams.access import may_edit
from teams.granting import sole_unit
from teams.leavers import tell_of_leavers
from teams.models import Person, Provisioned, Role
from teams.querysets import PersonQuerySet
from teams.scim.filters import bool_column, id_column, is_id, text_column
from teams.scim.members import settle
from teams.scim.resources import (
    email_of,
    manager_said_by,
    name_of,
    said_by,
    time_zone_of,
    user_name_of,
    user_of,
)
from teams.services import change_email, deactivate, end_sessions

WHERE: Final = "by your identity provider"


def _by_user_name(value: str) -> Q:
    name = value.strip().lower()
    return Q(provisioned__user_name=name) | Q(provisioned=None, email=name)


_by_email = text_column(lambda value: Q(email=value.strip().lower()))

COLUMNS: Final = {
    "id": id_column("pk"),
    "username": text_column(_by_user_name),
    "externalid": text_column(lambda value: Q(provisioned__external_id=value)),
    "emails": _by_email,
    "emails.value": _by_email,
    "displayname": text_column(lambda value: Q(name__iexact=value)),
    "active": bool_column("is_active"),
    "manager": id_column("manager"),
    "manager.value": id_column("manager"),
}


def people_of(editor: Person) -> PersonQuerySet:
    """Whom SCIM sees: everybody active, so that the provider finds those who came by hand or from a CRM; and whoever
    it manages. What `resources.user_of` uses is loaded."""
    seen: PersonQuerySet = Person.objects.visible_to(editor).filter(Q(is_active=True) | ~Q(provisioned=None))
    return (
        seen.select_related("manager", "provisioned")
        .prefetch_related("provisioned_groups__group")
        .order_by("pk")
    )


def find(editor: Person, number: str) -> Person:
    """Raises NotFoundException."""
    person = people_of(editor).filter(pk=int(number)).first() if is_id(number) else None
    if person is None:
        raise NotFoundException(detail=f"There is no user {number[:40]}.")
    return person


def add(editor: Person, user: Any, now: datetime) -> Person:
    """Somebody new, or somebody who is here already and whom no provider manages so far.

    Raises UniquenessException, InvalidValueException and ForbiddenException, as do all that write."""
    email = email_of(user)
    with _one_for_each(), transaction.atomic():
        if Provisioned.objects.filter(user_name=user_name_of(user)).exists():
            raise UniquenessException(detail="Somebody with this userName is here already.")
        person = Person.objects.select_for_update(no_key=True).filter(email=email).first()
        if person is not None:
            is_seen = Person.objects.visible_to(editor).filter(pk=person.pk).exists()
            if not is_seen or Provisioned.objects.filter(person=person).exists():
                raise UniquenessException(detail="Somebody with this e-mail address is here already.")
        else:
            person = Person.objects.create_user(
                email,
                name=name_of(user),
                role=Role.REP,
                follows_groups=True,
                is_active=user.active is not False,
            )
            if unit := sole_unit():
                person.business_units.add(unit)
        _write(editor, person, user, now)
    return find(editor, str(person.pk))


def replace(editor: Person, person: Person, user: Any, now: datetime) -> Person:
    """Bring a person to what is said; from then on the provider manages them."""
    with _one_for_each(), transaction.atomic():
        _write(editor, _locked(person, user), user, now)
    return find(editor, str(person.pk))


def patch(editor: Person, person: Person, apply: Callable[[Any], object], now: datetime) -> Person:
    """The same for a part: ``apply`` changes the user as they are now, under a lock. What stays the same and was ours
    to say stays ours."""
    with _one_for_each(), transaction.atomic():
        Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        found = find(editor, str(person.pk))
        user, shown = user_of(found), user_of(found)
        apply(user)
        _write(editor, _locked(person, user), user, now, shown)
    return find(editor, str(person.pk))


def _locked(person: Person, user: Any) -> Person:
    locked: Person = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    if Provisioned.objects.filter(user_name=user_name_of(user)).exclude(person=locked).exists():
        raise UniquenessException(detail="Somebody with this userName is here already.")
    return locked


def remove(editor: Person, person: Person, now: datetime) -> None:
    """Deactivated, and no longer managed: what they did and own stays, and the provider may bring them again."""
    with transaction.atomic():
        locked = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
        _refuse_editing(editor, locked, is_active=False)
        _switch(locked, False, editor, now)
        left = [member.group for member in locked.provisioned_groups.select_related("group__team")]
        locked.provisioned_groups.all().delete()
        settle([locked.pk], now, by=editor, left=left)
        Provisioned.objects.filter(person=locked).delete()


class _one_for_each:  # noqa: N801 - reads as a word in a with statement
    """Of two requests that make the same person at once one wins, and the other hears that they are here."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, IntegrityError):
            raise UniquenessException(detail="Somebody with this name or address is here already.") from None


def _refuse_editing(editor: Person, person: Person, *, is_active: bool) -> None:
    if not may_edit(editor, person):
        raise ForbiddenException(detail="Only a token of a system admin changes a system admin.")
    if person.pk == editor.pk and not is_active:
        raise ForbiddenException(detail="The token that is used belongs to them: it would lock itself out.")


def _write(editor: Person, person: Person, user: Any, now: datetime, shown: Any = None) -> None:
    row = Provisioned.objects.filter(person=person).first() or Provisioned(person=person, created_at=now)
    is_active = person.is_active if user.active is None else bool(user.active)
    _refuse_editing(editor, person, is_active=is_active)
    before, manager_before = dict(row.said), row.manager_said
    row.said, row.user_name = said_by(user), user_name_of(user)
    if shown is not None:
        was = said_by(shown)
        same = [
            key for key in ("title", "timezone") if key not in before and was.get(key) == row.said.get(key)
        ]
        row.said = {key: value for key, value in row.said.items() if key not in same}
    says_manager = shown is None or manager_said_by(user) != manager_said_by(shown)
    row.manager_said = manager_said_by(user) if says_manager else manager_before
    row.external_id = str(user.external_id or "")
    if len(row.external_id) > 255:
        raise InvalidValueException(detail="externalId is too long.")
    row.changed_at = now
    row.save()
    email = email_of(user)
    if email != person.email:
        if Person.objects.filter(email=email).exclude(pk=person.pk).exists():
            raise UniquenessException(detail="Somebody with this e-mail address is here already.")
        change_email(person, email)
    person.name = name_of(user) or person.name or email.partition("@")[0]
    if row.said.get("title") or before.get("title"):
        person.job_title = str(row.said.get("title", ""))[:120]
    person.time_zone = time_zone_of(user) or person.time_zone
    if says_manager and (row.manager_said or manager_before):
        person.manager = _manager(editor, person, row.manager_said)
    person.save(update_fields=["name", "job_title", "time_zone", "manager"])
    _lead_those_who_wait(person, row)
    _switch(person, is_active, editor, now)


def _switch(person: Person, is_active: bool, editor: Person, now: datetime) -> None:
    if person.is_active and not is_active:
        deactivate(person, now)
        end_sessions(person)
        tell_of_leavers([person], WHERE, now)
    elif is_active and not person.is_active:
        Person.objects.filter(pk=person.pk).update(is_active=True)
        person.is_active = True
        settle([person.pk], now, by=editor)


# --- managers ------------------------------------------------------------------------------------------------------


def _manager(editor: Person, person: Person, said: str) -> Person | None:
    """By id, else by a name the provider knows them by; None for somebody who is not here (yet)."""
    if not said:
        return None
    people = Person.objects.visible_to(editor)
    found: Person | None = people.filter(pk=int(said)).first() if is_id(said) else None
    names = Q(provisioned__user_name=said.lower()) | Q(email=said.lower()) | Q(provisioned__external_id=said)
    found = found or people.filter(names).order_by("pk").first()
    if found is not None and person.pk in _above(found):
        raise InvalidValueException(detail="Their manager would end up below them.")
    return found


def _above(person: Person) -> set[int]:
    """The person, their manager, the manager's manager … One query."""
    managers = dict(Person.objects.exclude(manager=None).values_list("pk", "manager"))
    above: set[int] = set()
    at: int | None = person.pk
    while at is not None and at not in above:
        above.add(at)
        at = managers.get(at)
    return above


def _lead_those_who_wait(person: Person, row: Provisioned) -> None:
    """Providers send people in any order: whoever waits for this one as a manager gets them."""
    names = {row.user_name, person.email, row.external_id, str(person.pk)} - {""}
    waiting = Provisioned.objects.filter(person__manager=None, manager_said__in=names).exclude(person=person)
    ids = set(waiting.values_list("person", flat=True))
    if ids:
        Person.objects.filter(pk__in=ids - _above(person)).update(manager=person)
