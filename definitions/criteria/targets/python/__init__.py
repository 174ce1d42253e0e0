"""Judging one record in Python."""

from definitions.criteria.targets.python.evaluation import Evaluation, LeafResult, evaluate

__all__ = ["Evaluation", "LeafResult", "evaluate"]
