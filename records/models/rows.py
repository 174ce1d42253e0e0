"""Records as we last saw them, and the journeys that they make."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone

from records.matching.sql import mail_domain
from records.models.connections import Connection
from records.querysets import RecordQuerySet


class Journey(models.Model):
    """One pursuit of one buyer; its members are records with ``journey`` set. ``id`` = uuid5 of ``key``."""

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=300, unique=True, help_text="Smallest natural key of the members.")
    title = models.CharField(max_length=300, blank=True)
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.title or self.key


# Activities are most of the rows, and nobody lists or searches them.
_LISTED = Q(object__in=["person", "deal", "account"])


class Record(models.Model):
    """One CRM row as we last saw it. ``values``: logical field -> canonical value; absent = unknown, null = empty."""

    id = models.UUIDField(primary_key=True, editable=False)
    # Without an index of its own: another one begins with it, and every write pays for each.
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="records", db_index=False
    )
    object = models.CharField(max_length=40)
    remote_object = models.CharField(max_length=80)
    remote_id = models.CharField(max_length=80)
    title = models.CharField(max_length=300, blank=True)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    journey = models.ForeignKey(
        Journey, null=True, blank=True, on_delete=models.SET_NULL, related_name="records", db_index=False
    )
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.SET_NULL)
    owner = models.ForeignKey(
        "teams.Person",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="owned_records",
        db_index=False,
    )
    created_at_remote = models.DateTimeField(null=True, blank=True)
    modified_at_remote = models.DateTimeField(null=True, blank=True)
    fingerprint = models.CharField(max_length=32, blank=True)
    seen_at = models.DateTimeField(default=timezone.now, help_text="First time we saw it.")
    deleted_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged"
    )

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_object", "remote_id"], name="record_once")
        ]
        indexes = [
            models.Index(fields=["journey"], name="record_journey"),
            # The list of records: its orders, its search, and its filter by source.
            models.Index(
                F("object"),
                Coalesce("modified_at_remote", "seen_at").desc(),
                F("id").desc(),
                name="record_recent",
                condition=_LISTED,
            ),
            models.Index(fields=["object", "title", "id"], name="record_title", condition=_LISTED),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="record_search", condition=_LISTED),
            models.Index(
                F("object"),
                KeyTextTransform("lead_source", "values"),
                name="record_source",
                condition=_LISTED,
            ),
            models.Index(fields=["owner", "object"], name="record_owner"),
            # Everybody of a domain and of what lies under it: an account's, when its web address is learned.
            models.Index(
                OpClass(mail_domain("values"), name="text_pattern_ops"),
                name="record_mail_domain",
                condition=Q(object="person"),
            ),
            # What is related by account; see records/relations.py.
            models.Index(
                F("connection"),
                KeyTextTransform("account", "values"),
                name="record_account",
                condition=_LISTED,
            ),
            models.Index(
                F("connection"),
                KeyTextTransform("converted_account", "values"),
                name="record_converted_account",
                condition=_LISTED,
            ),
            models.Index(
                fields=["connection", "remote_id"], name="record_account_id", condition=Q(object="account")
            ),
            # Whom a product's signals are about.
            models.Index(
                KeyTextTransform("product_user_id", "values"),
                name="record_product_user",
                condition=Q(object="person", values__has_key="product_user_id"),
            ),
            models.Index(
                KeyTextTransform("product_account_id", "values"),
                name="record_product_account",
                condition=Q(object="account", values__has_key="product_account_id"),
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.remote_object} {self.remote_id}"


class RecordPayload(models.Model):
    """The CRM's own answer, apart from the mapped values so that those stay narrow."""

    record = models.OneToOneField(Record, primary_key=True, on_delete=models.CASCADE, related_name="payload")
    body = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.pk)


class LinkKey(models.Model):
    """A strong link of a record, e.g. ``email:…`` or ``id:hubspot:contacts:101``; equal keys make one journey."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="link_keys", db_index=False)
    key = models.CharField(max_length=300)

    class Meta:
        ordering = ["record", "key"]
        constraints = [models.UniqueConstraint(fields=["record", "key"], name="link_key_once")]
        # text_pattern_ops: equal keys make journeys, and the search finds an e-mail address by its beginning.
        indexes = [models.Index(fields=["key"], name="link_key_key", opclasses=["text_pattern_ops"])]

    def __str__(self) -> str:
        return self.key
