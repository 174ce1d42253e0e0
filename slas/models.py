"""Clocks and the corrections of their results. Rules and calendars are versions in ``definitions``."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

from slas.querysets import AppealQuerySet, ClockQuerySet


class Clock(models.Model):
    """One running or finished SLA clock. ``id`` = uuid5 of (rule key, record natural key, start event key);
    of a start that the CRM's history told better later, the key of the event that told first."""

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        DUE = "due"
        MET = "met"
        BREACHED = "breached"
        BREACHED_NOT_VERIFIED = "breached_not_verified"
        WITHDRAWN = "withdrawn"
        CANCELLED = "cancelled"
        SEEN_LATE = "seen_late"

    OPEN = (State.RUNNING, State.PAUSED, State.DUE)
    LATE = (State.BREACHED, State.BREACHED_NOT_VERIFIED)

    id = models.UUIDField(primary_key=True, editable=False)
    # Fields without an index of their own lead one of those below.
    rule_key = models.SlugField(max_length=80, db_index=False)
    rule = models.ForeignKey("definitions.Version", on_delete=models.PROTECT, related_name="+")
    calendar = models.ForeignKey(
        "definitions.Version", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    journey = models.ForeignKey(
        "records.Journey", on_delete=models.CASCADE, related_name="clocks", db_index=False
    )
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="clocks")
    start_event = models.ForeignKey("records.Event", on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="Null while the event it must come before has no time."
    )
    state = models.CharField(max_length=24, choices=State, default=State.RUNNING)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stop_event = models.ForeignKey(
        "records.Event", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    breached_at = models.DateTimeField(
        null=True, blank=True, help_text="Always the due time, never the time we noticed."
    )
    is_measured_only = models.BooleanField(default=False, help_text="Started before go-live: never alerted.")
    has_it = models.CharField(
        max_length=10, blank=True, help_text="Whose court the ball is in: system, sender, receiver, customer."
    )
    owner = models.ForeignKey(
        "teams.Person",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="clocks",
        db_index=False,
    )
    team = models.ForeignKey(
        "teams.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="clocks", db_index=False
    )
    segments = models.JSONField(
        default=list,
        help_text="[{party, who, person, team, from, to, seconds}]: each second from start to end has one party.",
    )
    receipt = models.JSONField(default=dict, help_text="What the explanation page needs beyond the columns.")
    next_step_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the next step of its rule is due: a warning, or one after the breach.",
    )

    objects = ClockQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        indexes = [
            # The list of clocks and its file, in their first order.
            models.Index(fields=["due_at", "id"], name="clock_listed"),
            models.Index(fields=["due_at", "id"], name="clock_falls_due", condition=Q(state="running")),
            models.Index(fields=["due_at"], name="clock_checking", condition=Q(state="due")),
            models.Index(fields=["next_step_at"], name="clock_step", condition=Q(next_step_at__isnull=False)),
            models.Index(fields=["owner", "state"], name="clock_owner"),
            models.Index(fields=["journey"], name="clock_journey"),
            models.Index(fields=["rule_key", "started_at"], name="clock_rule"),
            models.Index(fields=["team", "state"], name="clock_team"),
            # What a team owes, most urgent first: what still waits for somebody.
            models.Index(
                fields=["team", "due_at", "id"],
                include=["owner", "state"],
                name="clock_owed",
                condition=Q(stopped_at=None, is_measured_only=False),
            ),
            models.Index(
                fields=["due_at", "id"],
                name="clock_unowned",
                condition=Q(stopped_at=None, owner=None),
            ),
            models.Index(
                KeyTextTransform("look_at", "receipt"),
                name="clock_look",
                condition=Q(receipt__has_key="look_at"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_key} {self.state}"


class Correction(models.Model):
    """A later truth about a frozen or announced result: the old stays, the new is added, with its cause."""

    key = models.UUIDField(primary_key=True, editable=False)
    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="corrections")
    old = models.JSONField()
    new = models.JSONField()
    cause = models.ForeignKey("records.Event", on_delete=models.CASCADE, related_name="+")
    corrected_at = models.DateTimeField()

    class Meta:
        ordering = ["corrected_at"]

    def __str__(self) -> str:
        return f"correction of {self.clock_id}"


class TakenStep(models.Model):
    """A step of a rule that was taken for a clock, written in the transaction that decided it; not derived.

    It knows the clock by id only and outlives its row, so that concluding anew tells nobody twice."""

    class Outcome(models.TextChoices):
        ASKED = "asked"
        PROPOSED = "proposed"

    clock_id = models.UUIDField()
    step = models.CharField(max_length=40)
    due_at = models.DateTimeField(help_text="The due time it was taken for: a warning holds for one.")
    taken_at = models.DateTimeField()
    people = models.JSONField(default=list, help_text="Ids of those who were told.")
    outcome = models.CharField(
        max_length=10, choices=Outcome, blank=True, help_text="Of a step that gives it to the next person."
    )
    given_to = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["taken_at", "id"]
        constraints = [models.UniqueConstraint(fields=["clock_id", "step", "due_at"], name="step_taken_once")]

    def __str__(self) -> str:
        return f"{self.step} of {self.clock_id}"


class StartQuestion(models.Model):
    """ "Start clocks for 134 leads?" Many began at once by machine, or were there before we came: their clocks are only
    measured, unless somebody of RevOps says otherwise. Not derived; a yes also stands in the log as events.

    ``subject``: of a bulk change what happened, as its rules name it. ``begins_at`` to ``ends_at``: when it happened;
    of a first load or an import, when it was read."""

    class Kind(models.TextChoices):
        BULK = "bulk"
        FIRST_LOAD = "first_load"
        IMPORT = "import"

    class Answer(models.TextChoices):
        STARTED = "started"
        LEFT = "left"

    kind = models.CharField(max_length=10, choices=Kind)
    connection = models.ForeignKey(
        "records.Connection", on_delete=models.CASCADE, related_name="start_questions"
    )
    subject = models.CharField(max_length=170, blank=True)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=7, choices=Answer, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    clocks = models.PositiveIntegerField(default=0, help_text="How many the answer was about.")

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [models.Index(fields=["connection", "subject", "ends_at"], name="start_question_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.answer or 'open'}"


class Appeal(models.Model):
    """ "This is not on me": why a late clock should not count against somebody, and what became of it. Derived from
    the ``appeal.*`` events. A granted one never changes the clock; adjusted attainment leaves the clock out.

    ``person``: against whom it counts; ``opened_by`` is they or their manager. ``team``: whose manager decides."""

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, editable=False)
    clock = models.ForeignKey(Clock, on_delete=models.CASCADE, related_name="appeals")
    person = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="appeals"
    )
    team = models.ForeignKey("teams.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=20)
    note = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    opened_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        "teams.Person", null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Null where the data itself proved it.",
    )  # fmt: skip
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_because = models.TextField(blank=True)
    was_proved = models.BooleanField(default=False, help_text="Granted at once, because the data shows it.")

    objects = AppealQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "id"]
        indexes = [
            models.Index(fields=["state", "team", "-opened_at"], name="appeal_state"),
            models.Index(fields=["-opened_at"], name="appeal_opened"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.state}"


class NoticedDue(models.Model):
    """A running clock whose time has come, as the tick saw it; until it is concluded anew. It stands apart
    because a row of one id is written a good deal faster than a clock, which stands in a dozen indexes."""

    clock_id = models.UUIDField(primary_key=True, editable=False)

    def __str__(self) -> str:
        return str(self.clock_id)


class NoticedAbsence(models.Model):
    """When the clocks of an absent person were last folded because of the absence."""

    absence = models.OneToOneField(
        "teams.Absence", primary_key=True, on_delete=models.CASCADE, related_name="noticed"
    )
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.absence_id} {self.at:%Y-%m-%d %H:%M}"


class Snooze(models.Model):
    """A buyer's row is off a person's My day until then, or until it becomes late; nobody else's."""

    person = models.ForeignKey("teams.Person", on_delete=models.CASCADE, related_name="snoozes")
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="snoozes")
    until = models.DateTimeField()
    snoozed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "record"], name="snooze_once")]

    def __str__(self) -> str:
        return f"{self.record_id} until {self.until:%Y-%m-%d %H:%M}"
