"""Judging a whole set in PostgreSQL 16 or later."""

from definitions.criteria.targets.sql.compiling import compile_recheck, compile_truth

__all__ = ["compile_recheck", "compile_truth"]
