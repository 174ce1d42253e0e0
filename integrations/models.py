"""How we talk to the CRMs: credentials, cursors, runs, webhooks received, and which fields may be written."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

import integrations.csv.models
import integrations.reporting.models
import integrations.writing.models  # noqa: F401  (Django looks for them here)


class Credential(models.Model):
    """A connection's secrets, encrypted with the key ring (``integrations.secrets``); never shown, never logged."""

    connection = models.OneToOneField(
        "records.Connection", primary_key=True, on_delete=models.CASCADE, related_name="credential"
    )
    method = models.CharField(max_length=40, help_text="client_credentials, jwt_bearer, private_app_token …")
    secret = models.BinaryField(help_text="Encrypted JSON.")
    verified_at = models.DateTimeField(null=True, blank=True)
    entered_at = models.DateTimeField(null=True, blank=True, help_text="When a person last entered them.")
    entered_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    found = models.JSONField(
        default=dict, blank=True, help_text="What the last test found, without anything secret."
    )

    def __str__(self) -> str:
        return f"credential of {self.connection_id}"

    __repr__ = __str__


class PullCursor(models.Model):
    """How far one remote object has been read: the last (stamp, id) stored, in the transaction that stored it."""

    connection = models.ForeignKey("records.Connection", on_delete=models.CASCADE, related_name="cursors")
    remote_object = models.CharField(max_length=80)
    mark_at = models.DateTimeField(null=True, blank=True, help_text="Everything before it is stored.")
    page_state = models.JSONField(default=dict, blank=True, help_text="Where an unfinished window goes on.")
    is_loaded = models.BooleanField(default=False, help_text="The first full load has ended.")
    deletions_read_at = models.DateTimeField(
        null=True, blank=True, help_text="When the list of deleted was last read."
    )
    next_pull_at = models.DateTimeField(default=timezone.now)
    every_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How often it is read; empty: as GTMOPS_PULL_SECONDS says."
    )
    paused_at = models.DateTimeField(null=True, blank=True, help_text="Nothing is read until it is resumed.")
    history_asked_at = models.DateTimeField(
        null=True, blank=True, help_text="Its whole history is being read, in a step of its own."
    )
    history_state = models.JSONField(
        default=dict, blank=True, help_text="Where the reading of the history goes on."
    )
    history_fields = models.JSONField(
        default=list, blank=True, help_text="Fields there whose history has been read to its end."
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_pulled_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["connection", "remote_object"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote_object"], name="cursor_once")]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.remote_object}"


class Run(models.Model):
    """One piece of long work people can watch: a pull, a push, an import, a recalculation."""

    class Kind(models.TextChoices):
        PULL = "pull"
        PUSH = "push"
        PROVISION = "provision"
        IMPORT = "import"
        RECALCULATE = "recalculate"
        ENFORCE = "enforce"
        UNINSTALL = "uninstall"
        HISTORY = "history"
        COMPARE = "compare"

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    connection = models.ForeignKey(
        "records.Connection", null=True, blank=True, on_delete=models.CASCADE, related_name="runs"
    )
    label = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(default=timezone.now)
    heard_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    busy_seconds = models.FloatField(default=0, help_text="Spent at work; waiting and pauses do not count.")
    counts = models.JSONField(default=dict, help_text="read, created, changed, unchanged, written, refused …")
    steps = models.JSONField(
        default=list, blank=True, help_text="[{at, text}]: what was done, in order; for runs of few steps."
    )
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["-started_at"], name="run_recent")]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Comparison(models.Model):
    """The nightly comparison of one remote object's ids and stamps with what we hold. The newest row is the latest."""

    class State(models.TextChoices):
        LISTING = "listing"
        REPAIRING = "repairing"
        DONE = "done"
        HELD = "held"

    connection = models.ForeignKey("records.Connection", on_delete=models.CASCADE, related_name="comparisons")
    remote_object = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=State, default=State.LISTING)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(help_text="What changed there later may not have been read yet.")
    after = models.TextField(blank=True, help_text="Where the CRM's list goes on.")
    there = models.PositiveIntegerField(default=0)
    here = models.PositiveIntegerField(default=0)
    repaired = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When RevOps was told that something differed."
    )
    next_try_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "remote_object"],
                condition=Q(state__in=["listing", "repairing"]),
                name="comparison_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["connection", "remote_object", "-started_at"], name="comparison_last")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.remote_object} {self.state}"


class ListedId(models.Model):
    """An id as the CRM listed it, kept until both sides are compared: no CRM promises an order."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="listed")
    remote_id = models.CharField(max_length=80)
    modified_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comparison", "remote_id"], name="listed_id_once")]

    def __str__(self) -> str:
        return self.remote_id


class Difference(models.Model):
    """One record that a comparison found to differ, and what became of it."""

    class Kind(models.TextChoices):
        MISSING_HERE = "missing_here"
        MISSING_THERE = "missing_there"
        STALE = "stale"

    class Outcome(models.TextChoices):
        OPEN = "open"
        REPAIRED = "repaired"
        GONE = "gone"
        NONE = "none"

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="differences")
    remote_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=14, choices=Kind)
    outcome = models.CharField(
        max_length=8,
        choices=Outcome,
        default=Outcome.OPEN,
        help_text="repaired: read again; gone: deleted here too; none: read again, and nothing differed.",
    )
    modified_at = models.DateTimeField(null=True, blank=True, help_text="As the CRM lists it.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["comparison", "remote_id"], name="difference_once")]
        indexes = [models.Index(fields=["comparison", "outcome"], name="difference_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.remote_id}"


class WebhookEvent(models.Model):
    """A webhook delivery we answered 2xx: stored raw, then served by reading the record again by id."""

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        DEAD = "dead"

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="webhook_events"
    )
    dedupe_key = models.CharField(max_length=300)
    remote_object = models.CharField(max_length=80)
    remote_id = models.CharField(max_length=80)
    body = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    received_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "dedupe_key"], name="webhook_event_once")
        ]
        indexes = [models.Index(fields=["next_try_at"], name="webhook_due", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return self.dedupe_key


class WriteSwitch(models.Model):
    """Whether one of our own fields may be written to (or read as an answer from) one remote object."""

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="write_switches"
    )
    remote_object = models.CharField(max_length=80)
    field = models.CharField(max_length=60)
    is_on = models.BooleanField(default=False)
    provisioned_at = models.DateTimeField(
        null=True, blank=True, help_text="The field exists in the CRM and is visible to us."
    )

    class Meta:
        ordering = ["connection", "remote_object", "field"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "remote_object", "field"], name="write_switch_once")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.remote_object}.{self.field}"


class ActivitySwitches(models.Model):
    """What we may create in one CRM beside our fields; no row: nothing."""

    connection = models.OneToOneField(
        "records.Connection", primary_key=True, on_delete=models.CASCADE, related_name="activity_switches"
    )
    creates_tasks = models.BooleanField(default=False)
    logs_touches = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "activity switches"

    def __str__(self) -> str:
        return f"activities of {self.connection_id}"


class StageCheck(models.Model):
    """What the last check found of one stage's exit criteria at one place; nothing was changed there."""

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="stage_checks"
    )
    pipeline = models.SlugField(max_length=80)
    stage = models.SlugField(max_length=80)
    remote_object = models.CharField(max_length=80)
    fingerprint = models.CharField(max_length=32, blank=True, help_text="Of the rule that was checked.")
    checked_at = models.DateTimeField()
    refused = models.PositiveIntegerField(
        default=0, help_text="Records in the stage that could not leave it now."
    )
    unknown = models.PositiveIntegerField(
        default=0, help_text="Records in the stage of which it can't be told."
    )
    similar = models.JSONField(
        default=list, blank=True, help_text="Rules of others with the same aim: [{name, is_active, message}]."
    )
    problem = models.TextField(blank=True, help_text="Why the CRM would not take the rule, in its own words.")

    class Meta:
        ordering = ["connection", "pipeline", "stage"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "pipeline", "stage", "remote_object"], name="stage_check_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.pipeline}/{self.stage}"


class EnforcementItem(models.Model):
    """One thing we made in a CRM so that it holds the model; the row is there before the thing is."""

    class Kind(models.TextChoices):
        PERMISSION = "permission"
        PERMISSION_SET = "permission_set"
        ACCESS = "access"
        ASSIGNMENT = "assignment"
        RULE = "rule"

    class State(models.TextChoices):
        CREATING = "creating"
        INACTIVE = "inactive"
        ACTIVE = "active"
        CREATED = "created"
        REMOVING = "removing"
        GIVEN_UP = "given_up"

    class Drift(models.TextChoices):
        EDITED = "edited"
        SWITCHED_OFF = "switched_off"
        SWITCHED_ON = "switched_on"
        DELETED = "deleted"

    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="enforcement_items"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    name = models.CharField(max_length=160, help_text="What it is called there, e.g. Opportunity.Gtm_Exit_X.")
    remote_id = models.CharField(max_length=80, blank=True)
    state = models.CharField(
        max_length=10,
        choices=State,
        default=State.CREATING,
        help_text="Rules: inactive or active; the rest: created. given_up: theirs was accepted.",
    )
    pipeline = models.SlugField(max_length=80, blank=True)
    stage = models.SlugField(max_length=80, blank=True)
    remote_object = models.CharField(max_length=80, blank=True)
    version = models.ForeignKey(
        "definitions.Version", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    wanted = models.JSONField(default=dict, blank=True, help_text="{formula, message, field} being deployed.")
    deployed = models.JSONField(
        default=dict, blank=True, help_text="{formula, message, field} as last put there."
    )
    fingerprint = models.CharField(max_length=32, blank=True, help_text="Of what was deployed.")
    drift = models.CharField(max_length=12, choices=Drift, blank=True)
    found = models.JSONField(
        default=dict, blank=True, help_text="What stood there instead, by whom and since when."
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read back.")
    next_look_at = models.DateTimeField(default=timezone.now, help_text="When to read it back again.")

    class Meta:
        ordering = ["connection", "kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "name"], name="enforcement_item_once")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id} {self.name}"
