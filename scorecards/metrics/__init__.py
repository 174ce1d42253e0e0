"""Metrics: declared things that compile to facts. Number, record list and receipt come from the same facts (pure)."""

from __future__ import annotations

from scorecards.metrics.accepted import ACCEPTED
from scorecards.metrics.base import Fact, Metric, Subject
from scorecards.metrics.conversion import MQL_TO_SQL
from scorecards.metrics.form_to_sql import FORM_TO_SQL
from scorecards.metrics.in_time import IN_TIME
from scorecards.metrics.left_alone import LEFT_ALONE
from scorecards.metrics.misrouted import MISROUTED

METRICS: dict[str, Metric] = {
    metric.key: metric for metric in (MQL_TO_SQL, FORM_TO_SQL, IN_TIME, ACCEPTED, LEFT_ALONE, MISROUTED)
}

__all__ = [
    "ACCEPTED", "FORM_TO_SQL", "IN_TIME", "LEFT_ALONE", "METRICS", "MISROUTED", "MQL_TO_SQL", "Fact", "Metric",
    "Subject",
]  # fmt: skip
