"""Metrics: declared things that compile to facts. Number, record list and receipt come from the same facts (pure)."""

from __future__ import annotations

from scorecards.metrics.base import Fact, Metric, Subject
from scorecards.metrics.conversion import MQL_TO_SQL
from scorecards.metrics.in_time import IN_TIME

METRICS: dict[str, Metric] = {metric.key: metric for metric in (MQL_TO_SQL, IN_TIME)}

__all__ = ["IN_TIME", "METRICS", "MQL_TO_SQL", "Fact", "Metric", "Subject"]
