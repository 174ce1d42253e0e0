"""What is measured beside other people's libraries runs in their environment (`requirements/bench.txt`), not in ours.

A module here prints its results as JSON; `run` starts it there and gives them back. Of ours it may import what is pure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measure import Result, WrongAnswerError


def run(subject: str) -> list[Result]:
    """Raises WrongAnswerError when the peer's answers differ from ours, RuntimeError when it can't run at all."""
    python = os.environ.get("BENCH_PYTHON", "")
    if not Path(python).is_file():
        raise RuntimeError("The peers have an environment of their own: run `make bench`.")
    done = subprocess.run(
        [python, "-m", f"tests.benchmarks.peers.{subject}"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"PM4PY_HIDE_BANNER": "1"},
    )
    if done.returncode == WRONG:
        raise WrongAnswerError(done.stdout.strip().rpartition("\n")[2])
    if done.returncode:
        raise RuntimeError(f"the peers of {subject} ended with {done.returncode}")
    return [Result(**row) for row in json.loads(done.stdout.strip().rpartition("\n")[2])]


WRONG = 3


def tell(compare: object) -> None:
    """Print what ``compare()`` found as the last line, for `run`."""
    try:
        results = compare()  # type: ignore[operator]  # a function without arguments
    except WrongAnswerError as error:
        sys.stdout.write(f"\n{error}\n")
        sys.exit(WRONG)
    rows = [{name: getattr(result, name) for name in Result.__slots__} for result in results]
    sys.stdout.write(f"\n{json.dumps(rows)}\n")
