"""`make bench`: each benchmark is a ratio beside a named peer, measured in one run and on correct answers only.

A module here named `bench_<subject>.py` has `compare() -> list[Result]`. ARGS are subjects (none: all) and options such
as `records=200000` (see `measure.OPTIONS`).
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import OPTIONS, Result


def main() -> int:
    wanted = [word for word in sys.argv[1:] if "=" not in word]
    OPTIONS.update(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
    results: list[Result] = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        subject = path.stem.removeprefix("bench_")
        if not wanted or subject in wanted:
            results += importlib.import_module(f"tests.benchmarks.{path.stem}").compare()
    if not results:
        sys.stderr.write(f"No benchmark named {', '.join(wanted)}.\n")
        return 1
    table = Table("what", "gtmops", "peer", "peer's time", "times faster", "goal")
    for result in results:
        table.add_row(
            result.what,
            _told(result.ours_seconds),
            result.peer,
            _told(result.peer_seconds),
            f"{result.times_faster:,.2f}" if result.times_faster < 10 else f"{result.times_faster:,.0f}",
            _goal(result),
        )
    # A file has no width of its own, and a table of 80 columns would break every line.
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0


def _told(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:,.2f} {unit}"
    return f"{seconds * 1e6:,.2f} µs"


def _goal(result: Result) -> str:
    if result.goal is None:
        return ""
    return f"{result.goal:g} {'met' if result.times_faster >= result.goal else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main())
