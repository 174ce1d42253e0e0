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
    table = Table("what", "gtmops", "peer", "peer's time", "times faster")
    for result in results:
        table.add_row(
            result.what,
            f"{result.ours_seconds * 1e6:,.1f} µs",
            result.peer,
            f"{result.peer_seconds * 1e6:,.1f} µs",
            f"{result.peer_seconds / result.ours_seconds:,.1f}",
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
