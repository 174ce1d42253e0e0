"""dlt loads the rows of `crm_rows` into PostgreSQL as it comes: a column for each property, merged by id.

Each line on standard input is a step, ``{"dataset", "positions", "number", "changed", "turn"}``: the rows at
``positions``, or else ``number`` rows of which those at ``changed`` are of ``turn``. Rows are made before the clock
runs. The answer to each is one line: the seconds that the load took.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt

from tests.benchmarks import crm_rows


def load(folder: str, step: Mapping[str, Any]) -> float:
    if step["positions"]:
        rows = [crm_rows.row(n, step["turn"]) for n in step["positions"]]
    else:
        rows = list(crm_rows.rows(step["number"], changed=step["changed"], turn=step["turn"]))
    pipeline = dlt.pipeline(
        f"peer_{step['dataset']}",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(os.environ["PEER_URL"]),
        dataset_name=step["dataset"],
    )
    began = time.perf_counter()
    pipeline.run(rows, table_name="mirror", primary_key="id", write_disposition="merge")
    return time.perf_counter() - began


def main() -> None:
    folder = tempfile.mkdtemp(prefix="gtmops-dlt-")
    # What dlt prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(f"{load(folder, json.loads(line))}\n")
        answers.flush()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
