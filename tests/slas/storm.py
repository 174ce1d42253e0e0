"""Two tickers and two workers as real processes that are killed with -9, run by ``test_escalation_kills``.

One parent loads Django once and forks: what is killed comes back within milliseconds. It runs until its input is
closed. Time is its own: ``begin`` is now, and an hour ahead nothing is due.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

CREW = ("ticker", "ticker", "worker", "worker")
AT_ONCE = 6
"""Effects a worker claims at once."""


@dataclass(frozen=True)
class Plan:
    """``begin``: ISO time. ``sink``: a file, the receiver that takes what is handed over. ``kills``: at random moments.
    ``fault``: "" or "tell after commit", the mistake that the test must be able to see."""

    begin: str
    sink: str
    kills: int
    seed: int
    fault: str = ""

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


def main(plan: Plan) -> None:
    import django

    django.setup()
    from django.db import connections

    begin = datetime.fromisoformat(plan.begin)

    began = 0.0

    def now() -> datetime:
        return begin + timedelta(seconds=time.monotonic() - began)

    _prepare(plan)
    _warm_up(begin)
    connections.close_all()
    began = time.monotonic()
    crew = [_start(work, now) for work in CREW]
    chance = random.Random(plan.seed)
    for _ in range(plan.kills):
        time.sleep(chance.uniform(0.005, 0.09))
        number = chance.randrange(len(crew))
        os.kill(crew[number], signal.SIGKILL)
        os.waitpid(crew[number], 0)
        crew[number] = _start(CREW[number], now)
    sys.stdout.write("calm\n")
    sys.stdout.flush()
    _keep_alive(crew, now)


def _keep_alive(crew: list[int], now: Callable[[], datetime]) -> None:
    """Until the input is closed; who killed itself comes back."""
    import select

    while not select.select([sys.stdin], [], [], 0.01)[0]:
        for number, pid in enumerate(crew):
            if os.waitpid(pid, os.WNOHANG)[0]:
                crew[number] = _start(CREW[number], now)
    for pid in crew:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _start(work: str, now: Callable[[], datetime]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        {"ticker": _tick, "worker": _work}[work](now)
    except Exception:
        logging.getLogger(__name__).exception("a %s died by itself", work)
    finally:
        os._exit(1)


def _tick(now: Callable[[], datetime]) -> None:
    import slas.due
    import slas.services
    from slas import escalation

    while True:
        if not slas.due.due_clocks(now()) + escalation.due_steps(now()):
            time.sleep(0.01)


def _work(now: Callable[[], datetime]) -> None:
    from effects.outbox import deliver_due
    from gtmops.pipeline import process

    while True:
        if not process(now()) + _serve(now()) + deliver_due(now(), limit=AT_ONCE):
            time.sleep(0.01)


def _serve(now: datetime) -> int:
    """As integrations/refresh.py does: what was asked for is read again, and nothing new is there."""
    from django.db import transaction

    from records.kinds import VERIFIED
    from records.models import RefreshRequest
    from records.services import record_act

    with transaction.atomic():
        asked = RefreshRequest.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            served_at=None
        )
        requests = list(asked.select_related("record")[:4])
        for request in requests:
            RefreshRequest.objects.filter(pk=request.pk).update(served_at=now, outcome="read")
            record_act(
                VERIFIED, record=request.record, key=f"verified:{request.key}", occurred_at=now, now=now,
                data={"request": request.key, "outcome": "read"},
            )  # fmt: skip
    return len(requests)


def _warm_up(begin: datetime) -> None:
    """What a process does the first time only is done before the forks: nothing is due yet."""
    from django.urls import reverse

    from effects.outbox import deliver_due
    from gtmops.pipeline import conclude
    from records.models import Journey
    from slas import escalation

    reverse("slas:clocks")
    conclude(list(Journey.objects.values_list("pk", flat=True)[:1]), begin)
    escalation.due_steps(begin)
    deliver_due(begin)


def _prepare(plan: Plan) -> None:
    """Only the room in question, no broker, a receiver that counts, and the mistake that was asked for."""
    import slas.due
    import slas.services
    from effects import registry, tick
    from gtmops import pipeline

    pipeline.ROOMS = (slas.services.refresh,)
    tick._send_ring = lambda name: None

    def accept(key: str, payload: Mapping[str, Any]) -> None:
        line = os.open(plan.sink, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(line, f"{key}\n".encode())
        os.close(line)
        # The answer is on its way: who dies now has sent it and doesn't know.
        time.sleep(0.002)

    registry._channels["crm_task"] = accept
    if plan.fault == "tell after commit":
        _tell_after_commit(plan.sink)


def _tell_after_commit(sink: str) -> None:
    """The mistake: the steps are written down, and who must be told is only held in memory until then. The first
    process that gets there dies."""
    from django.db import transaction

    from slas.escalation import taking

    enqueue = taking.enqueue

    def later(intents: list[Any], *, now: datetime) -> int:
        def tell() -> None:
            try:
                os.close(os.open(f"{sink}.died", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                enqueue(intents, now=now)
            else:
                os.kill(os.getpid(), signal.SIGKILL)

        transaction.on_commit(tell)
        return len(intents)

    taking.enqueue = later


if __name__ == "__main__":
    main(Plan(**json.loads(sys.argv[1])))
