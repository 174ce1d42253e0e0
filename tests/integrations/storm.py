"""A puller and a pusher as real processes that die by kill -9 at seeded moments, run by ``test_killed``.

One parent loads Django once and forks: what is killed comes back within milliseconds. A moment is a statement, a
commit, or a call to the CRM, just before it leaves or just after its answer came; so the same seed kills at the same
places however slow the machine is. Time is its own: whoever comes back is so much later that the leases of the dead
have run out.
"""

from __future__ import annotations

import json
import logging
import os
import random
import select
import signal
import sys
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

CREW = ("puller", "pusher")
LIFE = 150
"""The most moments that one that is to be killed lives."""


@dataclass(frozen=True)
class Plan:
    """``begin``: ISO time. ``kills``: of each of the crew. ``fault``: "" or a mistake that the test must be able to
    see, "mark first" or "write again". ``marker``: a file that says that the mistake has been made."""

    begin: str
    kills: int
    seed: int
    marker: str
    fault: str = ""

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


def main(plan: Plan) -> None:
    import django

    django.setup()
    from django.db import connections

    _prepare(plan)
    connections.close_all()
    chance = random.Random(plan.seed)
    lives = {name: [chance.randint(1, LIFE) for _ in range(plan.kills)] for name in CREW}
    deaths = dict.fromkeys(CREW, 0)
    crew = {_start(name, lives[name], 0, plan): name for name in CREW}
    is_calm = False
    while not select.select([sys.stdin], [], [], 0.005)[0]:
        for pid in list(crew):
            if os.waitpid(pid, os.WNOHANG)[0]:
                name = crew.pop(pid)
                deaths[name] += 1
                crew[_start(name, lives[name], deaths[name], plan)] = name
        if not is_calm and all(deaths[name] >= plan.kills for name in CREW):
            is_calm = True
            sys.stdout.write("calm\n")
            sys.stdout.flush()
    for pid in crew:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _start(name: str, lives: list[int], deaths: int, plan: Plan) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        _live(name, lives[deaths] if deaths < len(lives) else None, deaths, plan)
    except Exception:
        logging.getLogger(__name__).exception("a %s died by itself", name)
    finally:
        os._exit(1)


def _live(name: str, left: int | None, deaths: int, plan: Plan) -> None:
    from django.conf import settings

    from integrations.pull import pull_due
    from integrations.push import push_due

    _die_after(left)
    began = time.monotonic()
    later = timedelta(seconds=(settings.GTMOPS.lease_seconds + 1) * deaths)
    begin = datetime.fromisoformat(plan.begin) + later
    work: Callable[[datetime], int] = pull_due if name == "puller" else push_due
    while True:
        if not work(begin + timedelta(seconds=time.monotonic() - began)):
            time.sleep(0.01)


def _die_after(left: int | None) -> None:
    """Count moments, and die in the last of them."""
    if left is None:
        return
    from django.db import connection
    from django.db.backends.base.base import BaseDatabaseWrapper

    from integrations.budget import Budget

    counted = [0]

    def moment() -> None:
        counted[0] += 1
        if counted[0] >= left:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        moment()
        return execute(sql, params, many, context)

    commit = BaseDatabaseWrapper._commit

    def committing(self: BaseDatabaseWrapper) -> None:
        moment()
        commit(self)
        moment()

    connection.execute_wrappers.append(statement)
    BaseDatabaseWrapper._commit = committing  # type: ignore[method-assign]  # in a process of its own
    Budget.take = lambda self, method, path: moment()  # type: ignore[method-assign]  # just before a call leaves
    Budget.note = lambda self, headers: moment()  # type: ignore[method-assign]  # just after its answer came


def _prepare(plan: Plan) -> None:
    """No broker and no pace; and whoever is stored is to be written, in the transaction that stored them."""
    from effects import tick
    from integrations.budget import Budget
    from records.models import DesiredField, Record
    from records.services import register_after_store

    tick._send_ring = lambda name: None
    Budget.take = lambda self, method, path: None  # type: ignore[method-assign]  # in a process of its own

    def want(ids: Collection[uuid.UUID], now: datetime) -> None:
        people = (
            Record.objects.filter(pk__in=ids, object="person").order_by("pk").values_list("pk", flat=True)
        )
        DesiredField.objects.bulk_create(
            [DesiredField(record_id=pk, field="gtm_stage", writer="test", desired="MQL") for pk in people],
            ignore_conflicts=True,
        )

    register_after_store("want", want)
    if plan.fault == "mark first":
        _mark_first(plan.marker)
    if plan.fault == "write again":
        _write_again(plan.marker)


def _die_once(marker: str) -> None:
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _mark_first(marker: str) -> None:
    """The mistake: the place to go on from is saved before the page is."""
    from integrations.models import PullCursor
    from integrations.pulling import passes

    store = passes.store

    def storing(work: Any, window: Any, page: Any, *, seconds: float = 0) -> None:
        state = {
            "window": {
                "until": window.until.isoformat(),
                "since": window.since.isoformat() if window.since else None,
                "with_deleted": window.with_deleted,
            },
            "at": dict(page.state),
        }
        PullCursor.objects.filter(pk=work.cursor.pk).update(page_state=state)
        if len(page.records) > 10:
            _die_once(marker)
        store(work, window, page, seconds=seconds)

    passes.store = storing


def _write_again(marker: str) -> None:
    """The mistake: what a dead process sent is sent again without a look whether it stands there."""
    from integrations.pulling import passes
    from integrations.writing import sending

    again = Path(f"{marker}.again")
    push_parts, store = sending.push_parts, passes.store

    def pushing(connector: Any, remote_object: str, writes: Any) -> Any:
        answered = list(push_parts(connector, remote_object, writes))
        _die_once(marker)
        again.touch()
        return answered

    def storing(*args: Any, **more: Any) -> None:
        # What was sent must not be read back before it is sent again.
        while Path(marker).exists() and not again.exists():
            time.sleep(0.01)
        store(*args, **more)

    passes.store = storing
    sending.push_parts = pushing
    sending._standing = lambda connector, claim, writes, run: {}


if __name__ == "__main__":
    main(Plan(**json.loads(sys.argv[1])))
