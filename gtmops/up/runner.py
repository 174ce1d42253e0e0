"""Starts everything in its order, keeps it running, ends it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from gtmops.embedded import Postgres, Server, ServerError, Valkey, prepare_data_dir, socket_dir
from gtmops.processes import (
    Child,
    PidFile,
    end_left_over,
    last_lines,
    processes_marked,
    signal_group,
    start_child,
)
from gtmops.up.environment import MARK, environment_of, runtime_env
from gtmops.up.place import Place, UpError, only_one, write_private
from gtmops.up.ports import answers, listens, require_free
from gtmops.up.services import CODE_DIR, Service, manage, own_services, standins

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
STEADY_SECONDS = 30.0  # a child that lived this long starts its next life without delay
LONGEST_WAIT_SECONDS = 30.0


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP."""


@dataclass(slots=True)
class Runner:
    place: Place
    servers: list[Server] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    job: Child | None = None
    began_at: float = field(default_factory=time.monotonic)

    # --- start ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UpError, ServerError."""
        self._end_left_overs()
        ports = {
            self.place.port: "",
            self.place.standins_port: "the demo's CRMs",
            self.place.mail_port: "the demo's mail",
        }
        for port, needed_by in ports.items() if self.place.demo else [(self.place.port, "")]:
            require_free(port, needed_by=needed_by, asked=self.place.port)
        self._start_servers()
        self.env = environment_of(self.place, self.servers)
        write_private(self.place.data_dir / "runtime.env", runtime_env(self.env))
        if self.place.demo:
            # They need no database, so they get ready beside the migrations.
            self._start_service(standins(self.place))
        self._run_job("migrate", ["migrate", "--no-input", "-v", "0"], say_what="The database's tables")
        if self.place.demo:
            self._wait_until("standins", "The demo's CRMs", lambda: listens(self.place.standins_port))
            self._seed_demo()
        # The pages first: the others would take the processors from them.
        web, *others = own_services(self.place)
        self._start_service(web)
        self._wait_until("web", "The pages", lambda: answers(f"{self.place.url}/healthz"))
        for service in others:
            self._start_service(service)

    def _end_left_overs(self) -> None:
        for path in sorted(self.place.run_dir.glob("*.pid")):
            if path.stem not in {"postgres", "valkey"}:
                # They were told to end when their parent died; whatever they still do, they may be killed at.
                end_left_over(PidFile(path), gentle=signal.SIGKILL, patience_seconds=3)
        for pid in processes_marked(MARK, str(self.place.data_dir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for server in (Valkey(self.place.data_dir), Postgres(self.place.data_dir)):
            server.end_left_over()

    def _start_servers(self) -> None:
        named = {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}
        for variable, kind in named.items():
            if os.environ.get(variable):
                say(f"{variable} is set: that server is used.")
                continue
            server = kind(self.place.data_dir)
            self.servers.append(server)
            with told(f"{server.name.capitalize()} in {server.data_dir / server.name}"):
                server.start()

    def _run_job(self, name: str, words: list[str], *, say_what: str) -> None:
        """A manage.py command that must succeed before the rest may start. Raises UpError."""
        log_path = self.place.logs / f"{name}.log"
        with told(say_what):
            self.job = start_child(
                name,
                manage(*words),
                log_path=log_path,
                env=self.env,
                cwd=CODE_DIR,
                run_dir=self.place.run_dir,
            )
            code = self.job.process.wait()
            if self.job.pid_file:
                self.job.pid_file.remove()
            self.job = None
        if code:
            raise UpError(
                f"`manage.py {' '.join(words)}` failed. The end of {log_path}:\n{last_lines(log_path)}"
            )

    def _seed_demo(self) -> None:
        """The demo company, once per data folder and port; what the command prints are the sign-ins.

        With another port the two sides must be told where the other one is now.
        """
        if self._demo_notes().get("port") == self.place.port:
            return
        output = self.place.logs / "demo.log"
        output.unlink(missing_ok=True)
        self._run_job("demo", ["demo"], say_what="The demo company")
        notes = {"port": self.place.port, "sign_ins": output.read_text(errors="replace")}
        write_private(self.place.data_dir / "demo.json", json.dumps(notes))

    def _demo_notes(self) -> dict[str, object]:
        try:
            notes = json.loads((self.place.data_dir / "demo.json").read_text())
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def sign_ins(self) -> str:
        return str(self._demo_notes().get("sign_ins", "")).rstrip()

    def _start_service(self, service: Service) -> None:
        if service not in self.services:
            self.services.append(service)
        service.started_at = time.monotonic()
        service.child = start_child(
            service.name,
            service.command,
            log_path=self.place.logs / f"{service.name}.log",
            env=self.env,
            cwd=CODE_DIR,
            run_dir=self.place.run_dir,
        )

    def _wait_until(self, name: str, say_what: str, ready: Callable[[], bool]) -> None:
        """Raises UpError when the service keeps dying or doesn't get ready."""
        service = next(service for service in self.services if service.name == name)
        log_path = self.place.logs / f"{name}.log"
        with told(say_what):
            deadline = time.monotonic() + READY_SECONDS
            while not ready():
                self.watch()
                if service.failures >= 3:
                    raise UpError(f"{name} doesn't start. The end of {log_path}:\n{last_lines(log_path)}")
                if time.monotonic() > deadline:
                    raise UpError(f"{name} wasn't ready within {READY_SECONDS:g} s. See {log_path}.")
                time.sleep(0.05)

    # --- run --------------------------------------------------------------------------------------

    def run_forever(self) -> NoReturn:
        while True:
            self.watch()
            time.sleep(0.2)

    def watch(self) -> None:
        """Start again what has died: servers first, children with a growing delay."""
        for server in self.servers:
            if server.child and not server.child.is_running():
                code = server.child.process.returncode
                say(f"{server.name} ended ({code}); starting it again. Log: {server.log_path}")
                signal_group(server.child.pid, signal.SIGKILL)
                server.end_left_over()
                server.start()
        now = time.monotonic()
        for service in self.services:
            if service.child is None:
                if now >= service.next_start_at:
                    self._start_service(service)
            elif not service.child.is_running():
                lived = now - service.started_at
                service.failures = 1 if lived > STEADY_SECONDS else service.failures + 1
                wait = min(LONGEST_WAIT_SECONDS, 0.25 * 2 ** (service.failures - 1))
                say(
                    f"{service.name} ended ({service.child.process.returncode}); starting it again in {wait:g} s. "
                    f"Log: {self.place.logs / service.name}.log"
                )
                # Its orphans would hold its port and its tasks.
                signal_group(service.child.pid, signal.SIGKILL)
                service.child = None
                service.next_start_at = now + wait

    # --- stop -------------------------------------------------------------------------------------

    def stop(self) -> None:
        children = [(service.child, service.stop_signal) for service in self.services if service.child]
        if self.job:
            children.append((self.job, signal.SIGTERM))
        # All are asked at once, then waited for together.
        for child, number in children:
            if child.is_running():
                with contextlib.suppress(ProcessLookupError):
                    child.process.send_signal(number)
        deadline = time.monotonic() + STOP_SECONDS
        for child, number in children:
            while child.is_running() and time.monotonic() < deadline:
                time.sleep(0.02)
            child.stop(number, patience_seconds=0.1)
        for server in reversed(self.servers):
            server.stop()
        if self.servers:
            shutil.rmtree(socket_dir(self.place.data_dir), ignore_errors=True)


def say(text: str) -> None:
    # The terminal may be gone; that must not end what runs.
    with contextlib.suppress(OSError):
        print(text, flush=True)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - began:.1f} s")


@contextlib.contextmanager
def signals_stop() -> Iterator[None]:
    """From here on the first Ctrl-C, SIGTERM or SIGHUP raises Stopped; later ones don't disturb the ending."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in numbers:
        signal.signal(number, stop)
    yield


def up(*, data_dir: Path, port: int, demo: bool) -> int:
    """Run until told to stop; the exit code."""
    place = Place(data_dir, port, demo)
    runner = Runner(place)
    try:
        prepare_data_dir(data_dir)
        with only_one(data_dir, place.url), signals_stop():
            try:
                runner.start()
                say_ready(runner)
                runner.run_forever()
            except Stopped:
                say("\nStopping …")
            finally:
                ignore_signals()
                runner.stop()
        say("All stopped.")
    except (UpError, ServerError) as fault:
        print(f"gtmops can't start: {fault}", file=sys.stderr, flush=True)
        return 1
    return 0


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def say_ready(runner: Runner) -> None:
    say(f"\ngtmops is ready after {time.monotonic() - runner.began_at:.0f} s:  {runner.place.url}")
    if runner.place.demo:
        say(f"The demo's CRMs:                {runner.env['GTMOPS_STANDINS_URL']}\n")
        say(runner.sign_ins())
    say(f"\nData, logs and mails: {runner.place.data_dir}. Ctrl-C stops everything.")
