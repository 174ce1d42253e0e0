"""Groups that the identity provider pushes. A group is a team, unless GTMOPS_GROUPS says what it gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.text import slugify
from scim2_models import Group, InvalidValueException, NotFoundException, UniquenessException

from teams.models import GroupMember, Person, ProvisionedGroup, Team
from teams.scim.filters import id_column, is_id, text_column
from teams.scim.members import settle
from teams.scim.resources import group_of, refuse_unstorable

LONGEST_NAME: Final = 200
MOST_MEMBERS: Final = 5000

COLUMNS: Final = {
    "id": id_column("pk"),
    "displayname": text_column(lambda value: Q(name__iexact=value)),
    "externalid": text_column(lambda value: Q(external_id=value)),
    "members": id_column("members__person"),
    "members.value": id_column("members__person"),
}


def groups() -> QuerySet[ProvisionedGroup]:
    """With what `resources.group_of` uses."""
    return ProvisionedGroup.objects.prefetch_related("members__person").order_by("pk")


def find(number: str) -> ProvisionedGroup:
    """Raises NotFoundException."""
    group = groups().filter(pk=int(number)).first() if is_id(number) else None
    if group is None:
        raise NotFoundException(detail=f"There is no group {number[:40]}.")
    return group


def add(editor: Person, said: Group, now: datetime) -> ProvisionedGroup:
    """Raises UniquenessException and InvalidValueException, as `change` does."""
    with transaction.atomic():
        group = ProvisionedGroup(created_at=now)
        _write(editor, group, said, now)
    return find(str(group.pk))


def change(editor: Person, group: ProvisionedGroup, said: Group, now: datetime) -> ProvisionedGroup:
    with transaction.atomic():
        _write(editor, ProvisionedGroup.objects.select_for_update(no_key=True).get(pk=group.pk), said, now)
    return find(str(group.pk))


def patch(
    editor: Person, group: ProvisionedGroup, apply: Callable[[Group], object], now: datetime
) -> ProvisionedGroup:
    """Change a part: ``apply`` does it to the group as it is now, under a lock, for providers send several at once."""
    with transaction.atomic():
        locked = ProvisionedGroup.objects.select_for_update(no_key=True).get(pk=group.pk)
        said = group_of(locked)
        apply(said)
        _write(editor, locked, said, now)
    return find(str(group.pk))


def remove(editor: Person, group: ProvisionedGroup, now: datetime) -> None:
    """Its members leave its team; the team stays, for it has a history."""
    with transaction.atomic():
        gone = set(group.members.values_list("person", flat=True))
        group.members.all().delete()
        settle(gone, now, by=editor, left=[group])
        ProvisionedGroup.objects.filter(pk=group.pk).delete()


def _write(editor: Person, group: ProvisionedGroup, said: Group, now: datetime) -> None:
    is_new, before = group._state.adding, group.name
    name, external = " ".join(str(said.display_name or "").split()), str(said.external_id or "")
    refuse_unstorable([name, external])
    if not name or len(name) > LONGEST_NAME or len(external) > 255:
        raise InvalidValueException(detail=f"displayName is needed, with {LONGEST_NAME} characters at most.")
    others = ProvisionedGroup.objects.filter(name__iexact=name)
    if (others if is_new else others.exclude(pk=group.pk)).exists():
        raise UniquenessException(detail="A group of this name is here already.")
    group.name, group.external_id, group.changed_at = name, external, now
    if is_new:
        group.team = _team_of(name, external)
    elif group.team is not None and group.team.name == before[:120]:
        Team.objects.filter(pk=group.team.pk).update(name=name[:120])
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError:
        raise UniquenessException(detail="A group of this name is here already.") from None
    _set_members(editor, group, said, now)


def _team_of(name: str, external: str) -> Team | None:
    """The team of this name or key, made where there is none. A group with a rule of its own needs none."""
    if settings.GROUP_RULES.rule_of(name, external) is not None:
        return None
    key = slugify(name)[:60] or "team"
    found = Team.objects.filter(Q(name__iexact=name[:120]) | Q(key=key)).order_by("pk").first()
    return found or Team.objects.create(key=key, name=name[:120])


def _set_members(editor: Person, group: ProvisionedGroup, said: Group, now: datetime) -> None:
    wanted = _member_ids(said)
    there = set(group.members.values_list("person", flat=True))
    added, gone = wanted - there, there - wanted
    known = set(Person.objects.visible_to(editor).filter(pk__in=added).values_list("pk", flat=True))
    if missing := sorted(added - known):
        raise InvalidValueException(detail=f"There is no user {missing[0]}.")
    group.members.filter(person__in=gone).delete()
    GroupMember.objects.bulk_create(
        [GroupMember(group=group, person_id=pk, since=now) for pk in sorted(added)]
    )
    settle(added, now, by=editor)
    settle(gone, now, by=editor, left=[group])


def _member_ids(said: Group) -> set[int]:
    """Groups within groups are left out: their people come as members of their own."""
    values = [
        str(one.value or "") for one in said.members or [] if str(one.type or "User").lower() != "group"
    ]
    if len(values) > MOST_MEMBERS:
        raise InvalidValueException(detail=f"A group may have {MOST_MEMBERS:,} members at most.")
    if strange := next((value for value in values if not is_id(value)), None):
        raise InvalidValueException(detail=f"There is no user {strange[:40]}.")
    return {int(value) for value in values}
