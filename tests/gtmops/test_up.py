"""The one-command runner for real: its own PostgreSQL and Valkey, its own children, its own death."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from gtmops.embedded import Postgres, socket_dir
from gtmops.processes import processes_marked
from gtmops.up.environment import MARK
from gtmops.up.ports import answers

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Started:
    process: subprocess.Popen[bytes]
    data_dir: Path
    port: int
    heard: bytes = b""

    @property
    def said(self) -> str:
        return self.heard.decode(errors="replace")  # a reading may end within a character

    def wait_until_said(self, pattern: str, *, seconds: float = 280) -> None:
        assert self.process.stdout
        pipe = self.process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            left = deadline - time.monotonic()
            assert left > 0, f"never said {pattern!r}:\n{self.said}"
            if select.select([pipe], [], [], min(left, 0.5))[0]:
                heard = os.read(pipe, 65_536)
                self.heard += heard
                if not heard:
                    pytest.fail(f"ended without saying {pattern!r}:\n{self.said}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def pid_of(self, name: str) -> int:
        found = re.search(r'"pid": (\d+)', (self.data_dir / "run" / f"{name}.pid").read_text())
        assert found
        return int(found[1])


def start(data_dir: Path, port: int) -> Started:
    ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "GTMOPS_ENCRYPTION_KEYS", "DJANGO_SETTINGS_MODULE"}
    env = {
        key: value for key, value in os.environ.items() if key not in ours and not key.startswith("GTMOPS_")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gtmops", "up", "--no-demo", "--data", str(data_dir), "--port", str(port)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Started(process, data_dir, port)


def become_true(asked: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.1)


def left_over(data_dir: Path) -> dict[int, str]:
    """Whatever still runs for this data folder: children by their mark, servers by its path. By pid, its command."""
    named = subprocess.run(["pgrep", "-f", str(data_dir)], capture_output=True, text=True, check=False)
    found = {}
    for pid in {*processes_marked(MARK, str(data_dir)), *map(int, named.stdout.split())}:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            found[pid] = b" ".join(words).decode(errors="replace").strip()
    return {pid: command for pid, command in found.items() if command}


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    for pid in left_over(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def note(data_dir: Path, text: str) -> None:
    connection = psycopg2.connect(host=str(socket_dir(data_dir)), user="gtmops", dbname="gtmops")
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS noted (text text)")
        cursor.execute("INSERT INTO noted VALUES (%s)", [text])
    connection.close()


def noted(data_dir: Path) -> list[str]:
    connection = psycopg2.connect(host=str(socket_dir(data_dir)), user="gtmops", dbname="gtmops")
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM noted")
        rows = [row[0] for row in cursor.fetchall()]
    connection.close()
    return rows


def test_it_serves_survives_kill_9_heals_its_children_and_leaves_nothing(data_dir: Path) -> None:
    port = free_port()
    first = start(data_dir, port)
    first.wait_until_said("gtmops is ready")
    note(data_dir, "kept")
    web = first.pid_of("web")

    # A second start on the same data is refused and disturbs nothing.
    second = start(data_dir, free_port())
    second.wait_until_said("already runs on .* Stop it there with Ctrl-C")
    assert second.process.wait(90) == 1
    assert first.pid_of("web") == web
    become_true(lambda: answers(f"http://127.0.0.1:{port}/healthz"))

    # A dead child comes back.
    worker = first.pid_of("worker")
    os.kill(worker, signal.SIGKILL)
    first.wait_until_said(r"worker ended \(-9\); starting it again")
    become_true(lambda: first.pid_of("worker") != worker)

    # So does a dead PostgreSQL, with what it had committed.
    os.kill(first.pid_of("postgres"), signal.SIGKILL)
    first.wait_until_said("postgres ended")
    become_true(Postgres(data_dir).answers)
    assert noted(data_dir) == ["kept"]

    # Kill -9 of the runner takes all children along.
    assert first.end(signal.SIGKILL) == -9
    again = start(data_dir, port)
    again.wait_until_said("gtmops is ready")
    assert noted(data_dir) == ["kept"]

    assert again.end(signal.SIGINT) == 0
    assert left_over(data_dir) == {}
    assert not (data_dir / "run" / "web.pid").exists()


def test_killed_it_takes_its_children_along(data_dir: Path) -> None:
    started = start(data_dir, free_port())
    started.wait_until_said("The database's tables")

    started.end(signal.SIGKILL)

    become_true(lambda: not left_over(data_dir))


def test_a_stop_while_it_starts_leaves_nothing(data_dir: Path) -> None:
    started = start(data_dir, free_port())
    started.wait_until_said("Valkey in")

    assert started.end(signal.SIGTERM) == 0
    assert left_over(data_dir) == {}


def test_a_taken_port_is_named_with_the_way_out(data_dir: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        started = start(data_dir, port)

        started.wait_until_said(f"Port {port} is taken by another program. Take another: --port")
        assert started.process.wait(90) == 1
    assert left_over(data_dir) == {}


def test_secrets_are_for_the_owner_only(data_dir: Path) -> None:
    started = start(data_dir, free_port())
    started.wait_until_said("The database's tables")
    started.end(signal.SIGTERM)

    for name in ("secret_key", "encryption_key", "runtime.env"):
        assert (data_dir / name).stat().st_mode & 0o777 == 0o600
    assert data_dir.stat().st_mode & 0o777 == 0o700
