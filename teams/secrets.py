"""Texts at rest under a ring of keys, of which the first encrypts and all decrypt."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from teams.models import AbsenceFeed


class Sealed(ValueError):
    """No key of the ring opens it."""


def key_ring() -> MultiFernet:
    """Raises ImproperlyConfigured for a ring without keys or with a key that is none."""
    try:
        return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
    except ValueError as error:
        raise ImproperlyConfigured(
            "GTMOPS_ENCRYPTION_KEYS must be Fernet keys, comma-separated, at least one."
        ) from error


def seal_text(text: str) -> bytes:
    return key_ring().encrypt(text.encode())


def unseal_text(token: bytes | memoryview) -> str:
    """Raises Sealed."""
    try:
        return key_ring().decrypt(bytes(token)).decode()
    except InvalidToken:
        raise Sealed("The key that the address was kept with is gone. Add the calendar again.") from None


def first_key() -> Fernet:
    """The key that encrypts."""
    key_ring()  # says what is wrong with the ring
    return Fernet(settings.ENCRYPTION_KEYS[0])


def opens(key: Fernet, token: bytes) -> bool:
    try:
        key.decrypt(token)
    except InvalidToken:
        return False
    return True


def rotate_addresses(*, is_dry: bool = False) -> tuple[int, int]:
    """Encrypt the address of every calendar with the first key: (encrypted anew, were already). Raises Sealed before
    anything is changed; ``is_dry`` only counts; safe to repeat."""
    ring, first = key_ring(), first_key()
    feeds = list(AbsenceFeed.objects.filter(removed_at=None).order_by("pk"))
    for feed in feeds:
        try:
            ring.decrypt(bytes(feed.address))
        except InvalidToken:
            raise Sealed(f"No key opens the address of the calendar at {feed.host}.") from None
    stale = [feed for feed in feeds if not opens(first, bytes(feed.address))]
    for feed in stale if not is_dry else ():
        with transaction.atomic():
            row = AbsenceFeed.objects.select_for_update(of=("self",), no_key=True).get(pk=feed.pk)
            AbsenceFeed.objects.filter(pk=row.pk).update(address=ring.rotate(bytes(row.address)))
    return len(stale), len(feeds) - len(stale)
