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


def rotate_addresses() -> int:
    """Encrypt the address of every calendar with the first key. Returns how many; raises Sealed; safe to repeat."""
    ring = key_ring()
    count = 0
    with transaction.atomic():
        for feed in (
            AbsenceFeed.objects.select_for_update(of=("self",)).filter(removed_at=None).order_by("pk")
        ):
            try:
                address = ring.rotate(bytes(feed.address))
            except InvalidToken:
                raise Sealed(f"No key opens the address of the calendar at {feed.host}.") from None
            AbsenceFeed.objects.filter(pk=feed.pk).update(address=address)
            count += 1
    return count
