"""Where an installation on one machine lives: its data folder and its ports."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8000


class UpError(Exception):
    """Can't start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """``port`` is of the pages; the demo's CRMs and mail take the next two."""

    data_dir: Path
    port: int
    demo: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def standins_port(self) -> int:
        return self.port + 1

    @property
    def mail_port(self) -> int:
        return self.port + 2

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by us only."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextlib.contextmanager
def only_one(data_dir: Path, url: str) -> Iterator[None]:
    """Hold the data folder. Raises UpError when another runner has it; the kernel frees it when we die."""
    path = data_dir / "lock"
    try:
        file = path.open("a+")
    except OSError as fault:
        raise UpError(
            f"{path} can't be written ({fault.strerror}). Name another data folder: --data DIR."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            try:
                holder = json.loads(file.read())
                who = f"process {holder['pid']}, {holder['url']}"
            except (ValueError, KeyError, TypeError):
                who = "another process"
            raise UpError(
                f"gtmops already runs on {data_dir} ({who}). Stop it there with Ctrl-C, or run a second one beside it: "
                "--data DIR --port N."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "url": url}))
        file.flush()
        yield
