"""What the benchmarks of the store share: a connection that reads `crm_rows`, and dlt in an environment of its own."""

from __future__ import annotations

import gc
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import crm_rows
from tests.benchmarks.database import start_database

if TYPE_CHECKING:
    from records.incoming import IncomingRecord
    from records.models import Connection

PAGE = 2_000


@cache
def crm_connection() -> Connection:
    """``mirrored``: reads the contacts of `crm_rows`."""
    start_database()
    from records.models import CatalogueField, Connection, FieldMapping

    crm = Connection.objects.create(name="mirrored", label="Mirrored", kind="hubspot")
    for name, kind, remote_name in crm_rows.FIELDS:
        field, _ = CatalogueField.objects.get_or_create(
            object="person", name=name, defaults={"label": name, "type": kind}
        )
        FieldMapping.objects.create(
            connection=crm, field=field, remote_object="contacts", remote_name=remote_name
        )
    return crm


def incoming(rows: Iterable[dict[str, Any]]) -> list[IncomingRecord]:
    from records.incoming import IncomingRecord

    names = [remote for *_, remote in crm_rows.FIELDS]
    made = [
        IncomingRecord(
            "contacts",
            row["id"],
            {name: row["properties"][name] for name in names},
            datetime.fromisoformat(row["updatedAt"]),
            datetime.fromisoformat(row["createdAt"]),
            raw=row,
        )
        for row in rows
    ]
    set_aside()
    return made


def set_aside() -> None:
    """What was made lies ready for all that are measured: Python need not look through it while it counts."""
    gc.collect()
    gc.freeze()


def pages(records: Sequence[IncomingRecord]) -> Iterator[Sequence[IncomingRecord]]:
    for start in range(0, len(records), PAGE):
        yield records[start : start + PAGE]


class Loader:
    """dlt, waiting for the next step."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def load(
        self,
        dataset: str,
        number: int = 0,
        *,
        positions: Sequence[int] = (),
        changed: Sequence[int] = (),
        turn: int = 0,
    ) -> float:
        """Seconds it took. Raises RuntimeError when it ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        step = {
            "dataset": dataset,
            "positions": list(positions),
            "number": number,
            "changed": list(changed),
            "turn": turn,
        }
        self._process.stdin.write(f"{json.dumps(step)}\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError("dlt ended")
        return float(told)


@contextmanager
def start_loader() -> Iterator[Loader]:
    python = os.environ.get("BENCH_PYTHON", "")
    if not Path(python).is_file():
        raise RuntimeError("The peers have an environment of their own: run `make bench`.")
    from django.db import connection

    told = connection.get_connection_params()
    # dlt wants a host and a password; ours is a socket that asks for none.
    url = f"postgresql://{told['user']}:none@localhost/{told['dbname']}?host={told['host']}"
    with subprocess.Popen(
        [python, "-m", "tests.benchmarks.peers.loader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PEER_URL": url},
    ) as process:
        yield Loader(process)
