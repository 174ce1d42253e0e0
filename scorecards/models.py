"""Metric facts, the one source of every number, the daily roll-ups that pages read, and named sets of filters."""

from __future__ import annotations

from django.db import models


class MetricFact(models.Model):
    """One thing a metric counts. Number, record list and receipt all come from these rows.

    ``id`` = uuid5 of (metric, natural key of what is counted). ``value`` is 0 or 1; a metric's number is the mean.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    metric = models.SlugField(max_length=80)
    metric_version = models.PositiveSmallIntegerField(default=1)
    journey = models.ForeignKey(
        "records.Journey",
        null=True,
        on_delete=models.SET_NULL,
        related_name="metric_facts",
        help_text="Empty between the join of two journeys and the next conclusion of its record.",
    )
    record = models.ForeignKey("records.Record", on_delete=models.CASCADE, related_name="metric_facts")
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.SET_NULL)
    anchor_at = models.DateTimeField()
    day = models.DateField(help_text="anchor_at's date in UTC; roll-ups are by it.")
    value = models.DecimalField(max_digits=20, decimal_places=4)
    slice = models.CharField(
        max_length=200, blank=True, help_text="Value of the dimension that roll-ups keep apart."
    )
    dimensions = models.JSONField(default=dict, help_text="e.g. source, team, owner, rule, handoff.")
    seconds = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="How long what the metric times took; empty while it has not happened.",
    )
    is_excused = models.BooleanField(
        default=False, help_text="An exception was granted: left out of the adjusted number."
    )

    class Meta:
        ordering = ["anchor_at", "id"]
        indexes = [models.Index(fields=["metric", "anchor_at", "id"], name="fact_metric_anchor")]

    def __str__(self) -> str:
        return f"{self.metric} {self.day} {self.value}"


class DailyRollup(models.Model):
    """Count and sum of a metric's facts on one day, for one business unit and one set of roll-up dimensions."""

    metric = models.SlugField(max_length=80)
    day = models.DateField()
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.CASCADE)
    slice = models.CharField(
        max_length=200, blank=True, help_text="Value of the metric's roll-up dimension, e.g. the rule's key."
    )
    count = models.PositiveIntegerField()
    total = models.DecimalField(max_digits=24, decimal_places=4)

    class Meta:
        ordering = ["metric", "day"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "day", "business_unit", "slice"], name="rollup_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.day}"


class DimensionRollup(models.Model):
    """The same of one dimension at a time (``Metric.roll_up_by``), with how many were excused; dimension '' is all."""

    metric = models.SlugField(max_length=80)
    slice = models.CharField(max_length=200, blank=True)
    dimension = models.CharField(max_length=40, blank=True)
    day = models.DateField()
    label = models.CharField(
        max_length=200, blank=True, help_text="The dimension's value; '' where it has none."
    )
    business_unit = models.ForeignKey("teams.BusinessUnit", null=True, blank=True, on_delete=models.CASCADE)
    count = models.PositiveIntegerField()
    total = models.DecimalField(max_digits=24, decimal_places=4)
    excused = models.PositiveIntegerField()

    class Meta:
        ordering = ["metric", "dimension", "day"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "dimension", "slice", "day", "label", "business_unit"],
                name="dimension_rollup_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.dimension}={self.label} {self.day}"


class SavedView(models.Model):
    """A name for the filters of one page. ``query`` is what stands behind the question mark."""

    page = models.SlugField(max_length=40)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    owner = models.ForeignKey("teams.Person", on_delete=models.CASCADE, related_name="saved_views")
    team = models.ForeignKey(
        "teams.Team",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="saved_views",
        help_text="Whose members see it too; empty: only its owner.",
    )
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class DefaultView(models.Model):
    """Which saved view a person's page opens with."""

    person = models.ForeignKey("teams.Person", on_delete=models.CASCADE, related_name="default_views")
    page = models.SlugField(max_length=40)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="default_of")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "page"], name="default_view_once")]

    def __str__(self) -> str:
        return f"{self.page}: {self.view_id}"
