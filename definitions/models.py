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
    based_on = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="What was in force when the draft was begun, or last compared; empty: nothing was.",
    )
    revision = models.PositiveIntegerField(
        default=1, help_text="Counts the edits of a draft; who saves an older one is told of the newer."
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    proposed_at = models.DateTimeField(null=True, blank=True)
    proposed_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    wanted_from = models.DateTimeField(
        null=True, blank=True, help_text="From when it shall hold; the last signature may make it later."
    )
    needs_agreement = models.BooleanField(
        default=True, help_text="False: only words changed, no record is judged differently."
    )
    flips = models.JSONField(
        null=True,
        blank=True,
        help_text="When it was proposed: {gained, lost, unknown, counted_at, is_sampled} against what was in force.",
    )
    watch_from = models.DateTimeField(null=True, blank=True)
    watch_until = models.DateTimeField(
        null=True, blank=True, help_text="Watch only: judged beside what is in force until then."
    )
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


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent())
class Objection(models.Model):
    """A team's reason not to sign a proposed version; it counts until the draft is proposed anew."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="objections")
    team = models.ForeignKey("teams.Team", on_delete=models.PROTECT)
    person = models.ForeignKey("teams.Person", null=True, blank=True, on_delete=models.SET_NULL)
    text = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["version", "made_at"]

    def __str__(self) -> str:
        return f"{self.team} objects to {self.version}"


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
    variant = models.SlugField(max_length=80, blank=True)
    exclusion = models.SlugField(
        max_length=80, blank=True, help_text="The exclusion that held; state is missing."
    )
    missing = models.JSONField(default=list, help_text="English of the conditions that failed.")
    arrival = models.CharField(
        max_length=10,
        choices=[("forward", "Forward"), ("skipped", "Skipped a stage"), ("backward", "Backward")],
        default="forward",
    )
    is_allowed = models.BooleanField(default=True, help_text="Whether the model allows to arrive like this.")

    class Meta:
        ordering = ["occurred_at", "id"]
        indexes = [
            models.Index(fields=["stage", "occurred_at"], name="stage_entry_stage"),
            models.Index(fields=["journey"], name="stage_entry_journey"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.occurred_at:%Y-%m-%d}"


class Passage(models.Model):
    """A record's stay in one stage of a pipeline, judged when it entered and when it left; by whatever path.

    ``id`` = uuid5 of (pipeline, record, event key). A skipped or backward arrival is told like a stage entry's."""

    id = models.UUIDField(primary_key=True, editable=False)
    journey = models.ForeignKey("records.Journey", on_delete=models.CASCADE, related_name="passages")
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="passages")
    pipeline = models.SlugField(max_length=80)
    stage = models.SlugField(max_length=80)
    event = models.ForeignKey("records.Event", on_delete=models.CASCADE, related_name="+")
    entered_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    left_event = models.ForeignKey(
        "records.Event", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    left_to = models.SlugField(max_length=80, blank=True, help_text="The stage it went to.")
    version = models.ForeignKey(Version, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    arrival = models.CharField(
        max_length=10,
        choices=[("forward", "Forward"), ("skipped", "Skipped a stage"), ("backward", "Backward")],
        default="forward",
    )
    is_allowed = models.BooleanField(default=True)
    entry_judgement = models.CharField(max_length=10, choices=JudgementState, blank=True)
    exit_judgement = models.CharField(
        max_length=10,
        choices=JudgementState,
        blank=True,
        help_text="Empty while it is there, or nothing to check.",
    )
    missing = models.JSONField(
        default=list, help_text="English of the exit criteria that failed when it left."
    )
    paper = models.JSONField(
        default=list, help_text="[{path, field, reason, text}]: why it is met on paper only."
    )

    class Meta:
        ordering = ["entered_at", "id"]
        indexes = [
            models.Index(fields=["pipeline", "stage", "entered_at"], name="passage_stage"),
            models.Index(fields=["journey"], name="passage_journey"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline}/{self.stage} {self.entered_at:%Y-%m-%d}"


class Judgement(models.Model):
    """The current judgement of one record by one thing of the model, by the version in force now.

    Why it is so is not kept here: whoever shows it judges the one record again (``definitions.judging.checklists``)."""

    # Found by ``judgement_once``. There are ten million of them: an index that nobody asks for is paid for by each.
    record = models.ForeignKey(
        "records.Record", on_delete=models.CASCADE, related_name="judgements", db_index=False
    )
    section = models.CharField(max_length=40, default="definitions")
    key = models.CharField(
        max_length=120, help_text="Key of a definition or trigger; pipeline/stage for exit criteria."
    )
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=10, choices=JudgementState)
    variant = models.SlugField(max_length=80, blank=True, db_index=False)
    exclusion = models.SlugField(
        max_length=80, blank=True, db_index=False, help_text="The exclusion that held; state is missing."
    )
    paper = models.JSONField(
        default=list, help_text="[{path, field, reason, text}]: why it is met on paper only."
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
            models.Index(
                fields=["section", "key", "exclusion"],
                name="judgement_exclusion",
                condition=~models.Q(exclusion=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"


class WatchedJudgement(models.Model):
    """How a version that is only watched judges a record, where that differs from the version in force."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="watched")
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=120, help_text="As in a judgement.")
    state = models.CharField(max_length=10, choices=JudgementState)
    now_state = models.CharField(max_length=10, choices=JudgementState, help_text="By the version in force.")
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["version", "record", "key"]
        constraints = [models.UniqueConstraint(fields=["version", "record", "key"], name="watched_once")]

    def __str__(self) -> str:
        return f"{self.version}: {self.now_state} → {self.state}"


class Signal(models.Model):
    """One thing a user or an account did in the product, or that another tool told us. Append-only.

    ``record`` is empty until a record with the same e-mail or id turns up."""

    source = models.CharField(max_length=60, help_text="Who sent it; message ids are unique within.")
    message_id = models.CharField(max_length=200)
    name = models.CharField(max_length=80)
    user_ref = models.CharField(max_length=200, blank=True)
    user_email = models.CharField(max_length=254, blank=True, help_text="In small letters.")
    account_ref = models.CharField(max_length=200, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    record = models.ForeignKey(
        "records.Record", null=True, blank=True, on_delete=models.SET_NULL, related_name="signals"
    )

    class Meta:
        ordering = ["occurred_at", "id"]
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="signal_once")]
        indexes = [
            models.Index(fields=["record", "name", "occurred_at"], name="signal_record"),
            models.Index(fields=["name", "occurred_at"], name="signal_name"),
            # Not only of those that wait: what an account was given goes to its user when that one turns up.
            models.Index(fields=["user_ref"], name="signal_user", condition=~models.Q(user_ref="")),
            models.Index(fields=["user_email"], name="signal_email", condition=~models.Q(user_email="")),
            models.Index(
                fields=["account_ref"], name="signal_account_waiting", condition=models.Q(record=None)
            ),
            models.Index(fields=["received_at"], name="signal_received"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.occurred_at:%Y-%m-%d}"


class Firing(models.Model):
    """One time during which a trigger held for a record. ``id`` = uuid5 of (trigger, record, when it began)."""

    id = models.UUIDField(primary_key=True, editable=False)
    journey = models.ForeignKey(
        "records.Journey", null=True, blank=True, on_delete=models.CASCADE, related_name="firings"
    )
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="firings")
    trigger = models.SlugField(max_length=80)
    version = models.ForeignKey(Version, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    fired_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    because = models.JSONField(default=list, help_text="English of the conditions that held when it fired.")
    is_measured_only = models.BooleanField(
        default=False, help_text="It fired before go-live: nobody is told, nothing is written."
    )
    handled_at = models.DateTimeField(null=True, blank=True)
    handled_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-fired_at", "id"]
        indexes = [models.Index(fields=["trigger", "-fired_at"], name="firing_trigger")]

    def __str__(self) -> str:
        return f"{self.trigger} {self.fired_at:%Y-%m-%d}"


class Remark(models.Model):
    """What the nightly check of the model against the live CRM schema found; gone when it no longer holds."""

    section = models.CharField(max_length=40)
    key = models.CharField(max_length=120, blank=True)
    path = models.JSONField(default=list)
    code = models.CharField(max_length=60)
    text = models.TextField()
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["section", "key", "code", "id"]
        constraints = [models.UniqueConstraint(fields=["section", "key", "code", "path"], name="remark_once")]

    def __str__(self) -> str:
        return f"{self.section}/{self.key}: {self.text}"


class ModelCheck(models.Model):
    """One check of the whole model against the live CRM schema; the newest row says when the next is due."""

    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    found = models.PositiveIntegerField(default=0)
    fresh = models.PositiveIntegerField(default=0, help_text="Of these, not found the time before.")

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M}: {self.found}"


class WrittenText(models.Model):
    """A text that a record has or had in a field on which criteria rest; ``key`` stands for its words (derived).

    So that the same text with several buyers is found without reading them all (`definitions.evidence.copies`)."""

    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="+")
    journey = models.ForeignKey("records.Journey", on_delete=models.CASCADE, related_name="+")
    field = models.CharField(max_length=60)
    key = models.BigIntegerField(help_text="`definitions.evidence.paper.text_key` of the text.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["record", "field", "key"], name="written_text_once")]
        indexes = [models.Index(fields=["key", "field"], name="written_text_key")]

    def __str__(self) -> str:
        return f"{self.record_id}.{self.field}"
