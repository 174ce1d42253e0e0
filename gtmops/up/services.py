"""What runs: the stand-ins of the demo, and the pages, the ticker, the worker and the beat."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from gtmops.processes import Child
from gtmops.up.place import Place

CODE_DIR = Path(__file__).resolve().parents[2]


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


def manage(*words: str) -> list[str]:
    return [sys.executable, str(CODE_DIR / "manage.py"), *words]


def standins(place: Place) -> Service:
    words = ["--port", str(place.standins_port), "--smtp-port", str(place.mail_port)]
    # Not by manage.py: the stand-ins know nothing of the product, and start without loading it.
    module = [sys.executable, "-m", "integrations.standins"]
    return Service("standins", [*module, *words, "--data", str(place.data_dir / "standins")])


def own_services(place: Place) -> list[Service]:
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "gtmops", "--quiet"]
    return [
        Service(
            "web",
            [
                *(python, "-m", "gunicorn", "gtmops.wsgi", "--bind", f"127.0.0.1:{place.port}"),
                *("--preload", "--worker-class", "gthread", "--workers", "2", "--threads", "4"),
                *("--timeout", "60", "--graceful-timeout", "5", "--log-level", "warning"),
                *("--no-control-socket", "--worker-tmp-dir", str(place.run_dir)),
            ],
        ),
        Service("ticker", manage("tick", "--loop")),
        Service(
            "worker",
            [
                *(*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING"),
                *("--without-gossip", "--without-mingle"),
            ],
        ),
        Service(
            "beat",
            [
                *(*celery, "beat", "--loglevel", "WARNING"),
                *("--schedule", str(place.run_dir / "beat.db"), "--pidfile", ""),
            ],
        ),
    ]
