"""A link that signs in once: the way back in for a system admin where the identity provider is away or set wrongly."""

from __future__ import annotations

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36

from teams.models import Person, Role

GOOD_FOR_SECONDS = 900


class _OnceTokens(PasswordResetTokenGenerator):
    """Django's, which die with the sign-in they are used for, under a salt of their own."""

    key_salt = "teams.sso.once"

    def check_token(self, user: Person | None, token: str | None) -> bool:
        good = super().check_token(user, token)
        if not good or not token:
            return False
        made = base36_to_int(token.split("-")[0])
        return self._num_seconds(self._now()) - made <= GOOD_FOR_SECONDS


tokens = _OnceTokens()


def link_for(person: Person) -> str:
    """The path of a link for an active system admin. Raises ValueError for anybody else."""
    if person.role != Role.SYSTEM_ADMIN or not person.is_active:
        raise ValueError(f"{person.email} is not an active system admin.")
    return reverse("sign_in_once", args=[f"{int_to_base36(person.pk)}-{tokens.make_token(person)}"])


def person_of_link(token: str) -> Person | None:
    """Whom a link signs in; None once it was used or is too old."""
    number, _, rest = token.partition("-")
    try:
        pk = base36_to_int(number)
    except ValueError:
        return None
    person = Person.objects.active().filter(pk=pk, role=Role.SYSTEM_ADMIN).first()
    return person if person is not None and tokens.check_token(person, rest) else None
