"""What matching derives, and what people said against it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class AccountDomain(models.Model):
    """An internet domain of an account; derived from its web addresses. ``root``: what a buyer can register."""

    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=253)
    root = models.CharField(max_length=253)

    class Meta:
        ordering: ClassVar = ["record", "domain"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "domain"], name="account_domain_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["domain"], name="account_domain_domain"),
            models.Index(fields=["root"], name="account_domain_root"),
        ]

    def __str__(self) -> str:
        return self.domain


class AccountMatch(models.Model):
    """The account of a person record whose CRM names none; derived. ``account`` empty: several fit, and a person has
    to choose (``candidates`` of them)."""

    class How(models.TextChoices):
        EXACT = "exact", "Same domain"
        ROOT = "root", "Same company domain"
        MANUAL = "manual", "Joined by hand"

    record = models.OneToOneField(
        "records.Record", primary_key=True, on_delete=models.CASCADE, related_name="account_match"
    )
    account = models.ForeignKey(
        "records.Record", null=True, blank=True, on_delete=models.CASCADE, related_name="matched_people"
    )
    how = models.CharField(max_length=8, choices=How)
    domain = models.CharField(max_length=253, blank=True)
    candidates = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["record"]
        indexes: ClassVar = [
            models.Index(fields=["account"], name="account_match_account"),
            models.Index(fields=["domain"], name="account_match_open", condition=Q(account=None)),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} {self.how} {self.account_id or 'open'}"


class FreeDomain(models.Model):
    """A domain this installation says about: everybody can have an address there, or against our list, only one
    company's people."""

    domain = models.CharField(max_length=253, unique=True)
    is_free = models.BooleanField(default=True)
    by = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["domain"]

    def __str__(self) -> str:
        return self.domain


class ManualLink(models.Model):
    """What a person said of a record: it belongs, or does not belong, to another one. Derived from ``link.*`` events;
    ``undone_at``: taken back.

    ``buyer``: to the same buyer; split with ``other`` empty: it stands by itself, whatever it shares with others.
    ``account``: ``other`` is an account; split with ``other`` empty: it has none."""

    class Kind(models.TextChoices):
        BUYER = "buyer"
        ACCOUNT = "account"

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    is_joined = models.BooleanField()
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="manual_links")
    other = models.ForeignKey(
        "records.Record", null=True, blank=True, on_delete=models.CASCADE, related_name="manual_links_to_it"
    )
    by = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["record"], name="manual_link_record", condition=Q(undone_at=None)),
            models.Index(fields=["other"], name="manual_link_other", condition=Q(undone_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} {'joined' if self.is_joined else 'split'} {self.other_id or ''}".strip()
