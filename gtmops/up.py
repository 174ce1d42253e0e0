"""`python -m gtmops up`: the whole product on one machine, as one foreground process.

PostgreSQL and Valkey come first (unless DATABASE_URL and REDIS_URL name others), then migrations, then the children.
A dead child is started again. Ctrl-C ends all in order. Even kill -9 of this process takes the children along, and
what it leaves behind the next start ends before it begins.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
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

CODE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 8000
MARK = "GTMOPS_CHILD_OF"  # in the environment of every child, so that the next start finds what a crash left

READY_SECONDS = 90.0
STOP_SECONDS = 15.0
STEADY_SECONDS = 30.0  # a child that lived this long starts its next life without delay
LONGEST_WAIT_SECONDS = 30.0


class UpError(Exception):
    """Can't start; the text says why and what to do."""


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP."""


@dataclass(slots=True)
class Service:
    """One child that must always run."""

    name: str
    command: list[str]
    stop_signal: signal.Signals = signal.SIGTERM
    child: Child | None = None
    started_at: float = 0.0
    failures: int = 0
    next_start_at: float = 0.0


@dataclass(slots=True)
class Runner:
    data_dir: Path
    port: int
    demo: bool
    servers: list[Server] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    job: Child | None = None
    began_at: float = field(default_factory=time.monotonic)

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

    # --- start ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UpError, ServerError."""
        self._end_left_overs()
        ports = {self.port: "", self.standins_port: "the demo's CRMs", self.mail_port: "the demo's mail"}
        for port, needed_by in ports.items() if self.demo else [(self.port, "")]:
            require_free(port, needed_by=needed_by, asked=self.port)
        self._start_servers()
        self.env = self._environment()
        write_private(self.data_dir / "runtime.env", self._runtime_env())
        if self.demo:
            self._start_service(self._standins())  # needs no database, so it gets ready beside the migrations
        self._run_job("migrate", ["migrate", "--no-input", "-v", "0"], say_what="The database's tables")
        if self.demo:
            self._wait_until("standins", "The demo's CRMs", lambda: listens(self.standins_port))
            self._seed_demo()
        # The pages first: the others would take the processors from them.
        web, *others = self._own_services()
        self._start_service(web)
        self._wait_until("web", "The pages", lambda: answers(f"{self.url}/healthz"))
        for service in others:
            self._start_service(service)

    def _end_left_overs(self) -> None:
        for path in sorted(self.run_dir.glob("*.pid")):
            if path.stem not in {"postgres", "valkey"}:
                # They were told to end when their parent died; whatever they still do, they may be killed at.
                end_left_over(PidFile(path), gentle=signal.SIGKILL, patience_seconds=3)
        for pid in processes_marked(MARK, str(self.data_dir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for server in (Valkey(self.data_dir), Postgres(self.data_dir)):
            server.end_left_over()

    def _start_servers(self) -> None:
        named = {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}
        for variable, kind in named.items():
            if os.environ.get(variable):
                say(f"{variable} is set: that server is used.")
                continue
            server = kind(self.data_dir)
            self.servers.append(server)
            with told(f"{server.name.capitalize()} in {server.data_dir / server.name}"):
                server.start()

    def _environment(self) -> dict[str, str]:
        env = dict(os.environ)
        for server in self.servers:
            env["DATABASE_URL" if isinstance(server, Postgres) else "REDIS_URL"] = server.url
        env[MARK] = str(self.data_dir)
        env["GTMOPS_DATA"] = str(self.data_dir)
        env["GTMOPS_EMBEDDED"] = "1"
        env["GTMOPS_DEMO"] = "1" if self.demo else "0"
        env["PYTHONUNBUFFERED"] = "1"
        env.pop(
            "PYTHONDONTWRITEBYTECODE", None
        )  # without it every start compiles everything anew, for seconds
        env["DJANGO_SETTINGS_MODULE"] = "gtmops.settings"
        mail_dir = self.data_dir / "mail"
        mail_dir.mkdir(mode=0o700, exist_ok=True)
        defaults = {
            "GTMOPS_HTTPS": "0",
            "GTMOPS_SITE_URL": self.url,
            "EMAIL_URL": f"filemail://{mail_dir}",
            "SECRET_KEY": self._kept_secret("secret_key", lambda: secrets.token_urlsafe(50)),
            "GTMOPS_ENCRYPTION_KEYS": self._kept_secret("encryption_key", new_fernet_key),
        }
        if self.demo:
            from integrations.standins import identity_api

            # On one machine, with two small CRMs of our own, the loop may turn as fast as one can watch it.
            defaults |= {
                "GTMOPS_STANDINS_URL": f"http://127.0.0.1:{self.standins_port}",
                "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
                "GTMOPS_SLACK_URL": f"http://127.0.0.1:{self.standins_port}/api",
                "GTMOPS_SLACK_TOKEN": "xoxb-demo",
                "GTMOPS_OIDC_URL": f"http://127.0.0.1:{self.standins_port}{identity_api.PREFIX}",
                "GTMOPS_OIDC_CLIENT_ID": identity_api.CLIENT_ID,
                "GTMOPS_OIDC_CLIENT_SECRET": identity_api.CLIENT_SECRET,
                "GTMOPS_OIDC_DOMAINS": "fernhill.example",
                "GTMOPS_OIDC_LABEL": "Sign in with Fernhill ID",
                "GTMOPS_PULL_SECONDS": "3",
                "GTMOPS_SALESFORCE_OVERLAP_SECONDS": "30",
                "GTMOPS_HUBSPOT_OVERLAP_SECONDS": "30",
            }
        for variable, value in defaults.items():
            env.setdefault(variable, value)
        return env

    def _kept_secret(self, name: str, make: Callable[[], str]) -> str:
        path = self.data_dir / name
        if not path.exists():
            write_private(path, make() + "\n")
        return path.read_text().strip()

    def _runtime_env(self) -> str:
        ours = [key for key in self.env if key.startswith("GTMOPS_") and key != MARK]
        shown = ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "EMAIL_URL", *sorted(ours)]
        return "".join(f"{key}={self.env[key]}\n" for key in shown)

    def _run_job(self, name: str, words: list[str], *, say_what: str) -> None:
        """A manage.py command that must succeed before the rest may start. Raises UpError."""
        log_path = self.logs / f"{name}.log"
        with told(say_what):
            self.job = start_child(
                name, manage(*words), log_path=log_path, env=self.env, cwd=CODE_DIR, run_dir=self.run_dir
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
        if self._demo_notes().get("port") == self.port:
            return
        output = self.logs / "demo.log"
        output.unlink(missing_ok=True)
        self._run_job("demo", ["demo"], say_what="The demo company")
        notes = {"port": self.port, "sign_ins": output.read_text(errors="replace")}
        write_private(self.data_dir / "demo.json", json.dumps(notes))

    def _demo_notes(self) -> dict[str, object]:
        try:
            notes = json.loads((self.data_dir / "demo.json").read_text())
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def sign_ins(self) -> str:
        return str(self._demo_notes().get("sign_ins", "")).rstrip()

    def _standins(self) -> Service:
        words = ["--port", str(self.standins_port), "--smtp-port", str(self.mail_port)]
        # Not by manage.py: the stand-ins know nothing of the product, and start without loading it.
        module = [sys.executable, "-m", "integrations.standins"]
        return Service("standins", [*module, *words, "--data", str(self.data_dir / "standins")])

    def _own_services(self) -> list[Service]:
        python = sys.executable
        celery = [python, "-m", "celery", "-A", "gtmops", "--quiet"]
        return [
            Service(
                "web",
                [
                    *(python, "-m", "gunicorn", "gtmops.wsgi", "--bind", f"127.0.0.1:{self.port}"),
                    *("--preload", "--worker-class", "gthread", "--workers", "2", "--threads", "4"),
                    *("--timeout", "60", "--graceful-timeout", "5", "--log-level", "warning"),
                    *("--no-control-socket", "--worker-tmp-dir", str(self.run_dir)),
                ],
            ),
            Service("ticker", manage("tick", "--loop")),
            Service(
                "worker",
                [
                    *celery,
                    "worker",
                    "--concurrency",
                    "2",
                    "--without-gossip",
                    "--without-mingle",
                    "--loglevel",
                    "WARNING",
                ],
            ),
            Service(
                "beat",
                [
                    *(*celery, "beat", "--loglevel", "WARNING"),
                    *("--schedule", str(self.run_dir / "beat.db"), "--pidfile", ""),
                ],
            ),
        ]

    def _start_service(self, service: Service) -> None:
        if service not in self.services:
            self.services.append(service)
        service.started_at = time.monotonic()
        service.child = start_child(
            service.name,
            service.command,
            log_path=self.logs / f"{service.name}.log",
            env=self.env,
            cwd=CODE_DIR,
            run_dir=self.run_dir,
        )

    def _wait_until(self, name: str, say_what: str, ready: Callable[[], bool]) -> None:
        """Raises UpError when the service keeps dying or doesn't get ready."""
        service = next(service for service in self.services if service.name == name)
        log_path = self.logs / f"{name}.log"
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
                    f"Log: {self.logs / service.name}.log"
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
            shutil.rmtree(socket_dir(self.data_dir), ignore_errors=True)


# --- helpers --------------------------------------------------------------------------------------


def manage(*words: str) -> list[str]:
    return [sys.executable, str(CODE_DIR / "manage.py"), *words]


def new_fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def say(text: str) -> None:
    # The terminal may be gone; that must not end what runs.
    with contextlib.suppress(OSError):
        print(text, flush=True)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - began:.1f} s")


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by us only."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def require_free(port: int, *, asked: int, needed_by: str = "") -> None:
    """Raises UpError naming the port and the way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            if fault.errno == errno.EACCES:
                raise UpError(f"Port {port} is for root only. Take another: --port {DEFAULT_PORT}.") from None
            what = f", which {needed_by} needs," if needed_by else ""
            raise UpError(
                f"Port {port}{what} is taken by another program. Take another: --port {asked + 10} "
                f"(make run ARGS='--port {asked + 10}')."
            ) from None


def answers(url: str) -> bool:
    # No proxy of the environment: this is our own machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def listens(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
    runner = Runner(data_dir=data_dir, port=port, demo=demo)
    try:
        prepare_data_dir(data_dir)
        with only_one(data_dir, runner.url), signals_stop():
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
    say(f"\ngtmops is ready after {time.monotonic() - runner.began_at:.0f} s:  {runner.url}")
    if runner.demo:
        say(f"The demo's CRMs:                {runner.env['GTMOPS_STANDINS_URL']}\n")
        say(runner.sign_ins())
    say(f"\nData, logs and mails: {runner.data_dir}. Ctrl-C stops everything.")
