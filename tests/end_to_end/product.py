"""The product itself, started by its own command on the demo company, for tests that use it as people do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from gtmops.embedded import socket_dir

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = ("worker", "ticker", "web")
Found = TypeVar("Found")


def free_ports() -> int:
    """The first of three free neighbours: pages, CRMs, mail."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 65_000 and all(_is_free(port + i) for i in range(3)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_for(look: Callable[[], Found], *, seconds: float, what: str) -> Found:
    """What ``look`` returns, once it is true; fails with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(0.1)


@dataclass
class Product:
    """A running ``python -m gtmops up`` with the demo company."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def standins(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the product."""
        connection = psycopg2.connect(host=str(socket_dir(self.data_dir)), user="gtmops", dbname="gtmops")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql, params)
                return cursor.fetchall()
        finally:
            connection.close()

    def value(self, sql: str, *params: Any) -> Any:
        return self.rows(sql, *params)[0][0]

    def manage(self, *words: str) -> str:
        """What a manage.py command prints, run beside the product as an admin would."""
        env = {k: v for k, v in os.environ.items() if k not in CLEARED and not k.startswith("GTMOPS_")}
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**env, "GTMOPS_DATA": str(self.data_dir)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def pid_of(self, name: str) -> int | None:
        try:
            found = re.search(r'"pid": (\d+)', (self.data_dir / "run" / f"{name}.pid").read_text())
        except OSError:
            return None
        return int(found[1]) if found else None

    def kill(self, name: str) -> bool:
        """kill -9 of one child and what it started; whether there was one."""
        pid = self.pid_of(name)
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def is_settled(self) -> bool:
        """The first load has ended and everything it touched is concluded."""
        loaded = self.value("SELECT count(*) > 0 AND bool_and(is_loaded) FROM integrations_pullcursor")
        return bool(loaded) and not self.value("SELECT EXISTS (SELECT 1 FROM records_touched)")

    def crm(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """Call a stand-in's API as the CRM's own user would."""
        request = urllib.request.Request(
            f"{self.standins}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "Authorization": "Bearer pat-tests"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def press(self, path: str, **form: str) -> str:
        """Send a form of the demo CRMs' pages, as a person's browser does; the address it leads to."""
        request = urllib.request.Request(
            f"{self.standins}{path}",
            data=urllib.parse.urlencode(form).encode(),
            headers={"Origin": self.standins, "Content-Type": "application/x-www-form-urlencoded"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return str(answer.geturl())

    def make_live_lead(self) -> str:
        """The button of story 17; the HubSpot id of the contact that has just become an MQL."""
        return self.press("/hubspot/live-lead").rpartition("lead=")[2]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)


CLEARED = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "GTMOPS_ENCRYPTION_KEYS",
    "DJANGO_SETTINGS_MODULE",
    "EMAIL_URL",
}


@contextmanager
def running_product(folder: Path) -> Iterator[Product]:
    """Start the product on a fresh data folder; stopped with Ctrl-C at the end."""
    port = free_ports()
    data_dir, log = folder / "data", folder / "up.log"
    env = {k: v for k, v in os.environ.items() if k not in CLEARED and not k.startswith("GTMOPS_")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gtmops", "up", "--data", str(data_dir), "--port", str(port)],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        product = Product(process, data_dir, port, log)
        try:
            wait_for(
                lambda: _answers(product) or process.poll() is not None,
                seconds=180,
                what=f"the product answers; it said:\n{log.read_text()}",
            )
            assert process.poll() is None, log.read_text()
            yield product
        finally:
            product.stop()


def _answers(product: Product) -> bool:
    try:
        with urllib.request.urlopen(f"{product.url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
