"""Child processes that die with their parent, and that a later parent can recognise and end."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOG_LIMIT_BYTES = 20_000_000


def dies_with_parent(signal_name: str) -> tuple[str, ...]:
    """The command prefix that has the kernel send this signal when we die, even of kill -9.

    Empty where util-linux is missing (macOS): there the next start ends what is left, by its pid file.
    """
    if not has_death_signal():
        return ()
    # We may have died before the signal was asked for; then our child has another parent by now.
    with_us_only = ("sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"', str(os.getpid()))
    return ("setpriv", "--pdeathsig", signal_name, *with_us_only)


@functools.cache
def has_death_signal() -> bool:
    return succeeds(["setpriv", "--pdeathsig", "TERM", "true"])


def succeeds(command: Sequence[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


def birth_of(pid: int) -> str:
    """What tells a process from a later one with the same number; empty where there is none (or a dead one)."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    if Path("/proc/self").exists():
        return ""
    told = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return told.strip()


@dataclass(frozen=True, slots=True)
class PidFile:
    """Remembers a process beyond our own death."""

    path: Path

    def write(self, pid: int) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"pid": pid, "birth": birth_of(pid)}))
        fresh.replace(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def living_pid(self) -> int | None:
        """The process written here, if that very one still runs."""
        try:
            noted = json.loads(self.path.read_text())
            pid, birth = int(noted["pid"]), str(noted["birth"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return pid if birth and birth_of(pid) == birth else None


def signal_group(pid: int, number: signal.Signals) -> None:
    """To a process and all it started; nothing happens when they are gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def group_lives(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_left_over(pid_file: PidFile, *, gentle: signal.Signals, patience_seconds: float) -> bool:
    """End a process of an earlier run, then its group by force; True if there was one."""
    pid = pid_file.living_pid()
    if pid is not None:
        signal_group(pid, gentle)
        deadline = time.monotonic() + patience_seconds
        while pid_file.living_pid() is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        if group_lives(pid):
            signal_group(pid, signal.SIGKILL)
        while pid_file.living_pid() is not None and time.monotonic() < deadline + 5:
            time.sleep(0.05)
    pid_file.remove()
    return pid is not None


@dataclass(slots=True)
class Child:
    """One process of ours in a group of its own, so that Ctrl-C reaches us first and the group ends as one."""

    name: str
    process: subprocess.Popen[bytes]
    pid_file: PidFile | None

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self, number: signal.Signals, *, patience_seconds: float) -> bool:
        """Ask, wait, then kill what is left of the group. False if it had to be killed."""
        if self.is_running():
            # The process alone is asked: it ends its own children in order.
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
        gentle = True
        try:
            self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            gentle = False
        signal_group(self.pid, signal.SIGKILL)
        self.process.wait()
        if self.pid_file:
            self.pid_file.remove()
        return gentle


def start_child(
    name: str,
    command: Sequence[str],
    *,
    log_path: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    run_dir: Path | None = None,
    death_signal: str | None = "TERM",
) -> Child:
    """Start a process with its output appended to a log file; must be called from the main thread.

    The kernel's death signal counts the thread that started the child as its parent.
    """
    if log_path.exists() and log_path.stat().st_size > LOG_LIMIT_BYTES:
        log_path.replace(log_path.with_name(log_path.name + ".1"))
    prefix = dies_with_parent(death_signal) if death_signal else ()
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    pid_file = PidFile(run_dir / f"{name}.pid") if run_dir else None
    if pid_file:
        pid_file.write(process.pid)
    return Child(name=name, process=process, pid_file=pid_file)


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for a message about what failed."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 8192))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def processes_marked(variable: str, value: str) -> list[int]:
    """Processes of this user that were started with this environment variable, other than ourselves (Linux only)."""
    wanted = f"{variable}={value}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
