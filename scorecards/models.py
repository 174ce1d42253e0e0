"""Metric facts, the one source of every number, and the daily roll-ups that pages read."""

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
