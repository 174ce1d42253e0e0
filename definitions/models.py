"""The operating model's versions, and what it concludes about records."""

from __future__ import annotations

import pghistory
from django.db import models
from django.utils import timezone

from definitions.querysets import VersionQuerySet


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    exclude=["population_after", "population_done_at"],
)
class Version(models.Model):
    """One version of one thing of the model. ``body`` is what its model file says; never edited once in force."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PROPOSED = "proposed"
        SIGNED = "signed"
        RETIRED = "retired"

    section = models.CharField(max_length=40)
    key = models.SlugField(max_length=80)
    number = models.PositiveIntegerField()
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    effective_from = models.DateTimeField(null=True, blank=True, help_text="Signed and reached: in force.")
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL)
    note = models.TextField(blank=True)
    population_after = models.UUIDField(
        null=True, blank=True, help_text="Records up to this id are marked for a new conclusion already."
    )
    population_done_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the last of them was marked, after it came into or went out of force.",
    )

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["section", "key", "number"]
        constraints = [models.UniqueConstraint(fields=["section", "key", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"{self.section}/{self.key} v{self.number}"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Signature(models.Model):
    """A team's agreement to a version. ``is_forced``: a system admin applied it without the team."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="signatures")
    team = models.ForeignKey("teams.Team", on_delete=models.PROTECT)
    person = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL)
    signed_at = models.DateTimeField(default=timezone.now)
    is_forced = models.BooleanField(default=False)

    class Meta:
        ordering = ["version", "signed_at"]
        constraints = [models.UniqueConstraint(fields=["version", "team"], name="signature_once")]

    def __str__(self) -> str:
        return f"{self.team} signed {self.version}"


class JudgementState(models.TextChoices):
    MET = "met"
    ON_PAPER = "on_paper"
    MISSING = "missing"
    WAIVED = "waived"
    UNKNOWN = "unknown"


class StageEntry(models.Model):
    """A record's claimed entry into a stage, with its entry judgement. ``id`` = uuid5 of (stage, record, event key)."""

    id = models.UUIDField(primary_key=True, editable=False)
    journey = models.ForeignKey("records.Journey", on_delete=models.CASCADE, related_name="stage_entries")
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="stage_entries")
    stage = models.SlugField(max_length=80)
    pass_number = models.PositiveSmallIntegerField(default=1)
    event = models.ForeignKey("records.Event", on_delete=models.CASCADE, related_name="+")
    occurred_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    is_exact = models.BooleanField(
        default=True, help_text="False: polling saw it between not_before and occurred_at."
    )
    snapshot = models.JSONField(default=dict, help_text="The record's values as they were at the entry.")
    definition = models.ForeignKey(
        Version,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The definition's version in force at the entry.",
    )
    judgement = models.CharField(max_length=10, choices=JudgementState, blank=True)
    missing = models.JSONField(default=list, help_text="English of the conditions that failed.")

    class Meta:
        ordering = ["occurred_at", "id"]
        indexes = [
            models.Index(fields=["stage", "occurred_at"], name="stage_entry_stage"),
            models.Index(fields=["journey"], name="stage_entry_journey"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.occurred_at:%Y-%m-%d}"


class Judgement(models.Model):
    """The current judgement of one record by one definition or exit criterion, by the version in force now."""

    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="judgements")
    section = models.CharField(max_length=40, default="definitions")
    key = models.CharField(max_length=120, help_text="Definition key, or pipeline/stage for exit criteria.")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=JudgementState)
    leaves = models.JSONField(
        default=list, help_text="[{path, text, truth, seen}] in the order of the criterion."
    )
    recheck_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["record", "section", "key"]
        constraints = [models.UniqueConstraint(fields=["record", "section", "key"], name="judgement_once")]
        indexes = [
            models.Index(
                fields=["recheck_at"], name="judgement_recheck", condition=models.Q(recheck_at__isnull=False)
            ),
            models.Index(fields=["section", "key", "state"], name="judgement_state"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"
