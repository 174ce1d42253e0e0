"""Undoing a run: what stood before is written back, and held until a person lifts it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import F, Q, QuerySet

from effects.tick import ring
from integrations.models import Run
from integrations.writing.rows import UNDOING
from records.asked import AskError, ask
from records.models import AskedChange, DesiredField
from teams.models import Person

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UndoPlan:
    """What undoing a run would do: fields of records that get their earlier value back, changes that are asked back,
    and what stays as it is. ``others``: changed in the CRM since; ``later``: written again by a later run; ``gone``:
    the record is not there any more; ``held``: on hold, or undone already."""

    fields: int = 0
    records: int = 0
    asked: int = 0
    others: int = 0
    later: int = 0
    gone: int = 0
    held: int = 0

    @property
    def is_possible(self) -> bool:
        return bool(self.fields or self.asked)

    @property
    def text(self) -> str:
        """What the dialog says before somebody confirms."""
        parts = []
        if self.fields:
            parts.append(
                f"{_many(self.fields, 'field')} of {_many(self.records, 'record')} "
                f"{'gets its' if self.fields == 1 else 'get their'} earlier value back, and "
                f"{'is' if self.fields == 1 else 'are'} held until someone lifts the hold."
            )
        if self.asked:
            parts.append(f"{_many(self.asked, 'change')} that people asked for {_is(self.asked)} asked back.")
        stays = [
            f"{number:,} {why}"
            for number, why in (
                (self.others, "changed by others since"),
                (self.later, "written again by a later run"),
                (self.gone, "no longer there"),
                (self.held, "on hold"),
            )
            if number
        ]
        if stays:
            parts.append(f"Left as it is: {', '.join(stays)}.")
        return " ".join(parts)


def undo_plan(run: Run) -> UndoPlan:
    """Seven queries; nothing is changed."""
    rows = undo_rows(run)
    written = _of_run(run)
    others, gone = _changed_by_others(), _gone()
    wrote = run.attempts.filter(outcome="written").values_list("record", flat=True)
    return UndoPlan(
        fields=rows.count(),
        records=rows.values("record").distinct().count(),
        asked=_asked(run).count(),
        others=written.filter(others).exclude(gone).count(),
        later=DesiredField.objects.filter(record__in=wrote, sent_at__gt=run.finished_at or run.heard_at)
        .exclude(sent_by=str(run.pk))
        .count(),
        gone=written.filter(gone).count(),
        held=written.filter(hold=True).exclude(others).exclude(gone).count(),
    )


def undo_rows(run: Run) -> QuerySet[DesiredField]:
    """Fields whose last write was this run's, that nobody changed since, on records that are still there."""
    return _of_run(run).filter(hold=False).exclude(_changed_by_others()).exclude(_gone())


def undo_run(run: Run, by: Person | None = None) -> int:
    """Write back what stood before ``run``, and hold our own fields until a person lifts it. Returns fields.

    What was asked of the CRM's own fields is asked back, where the CRM still shows it."""
    now = datetime.now(UTC)
    count = DesiredField.objects.filter(pk__in=undo_rows(run).values("pk")).update(
        state=DesiredField.State.DIFFERENT,
        hold=True,
        hold_reason=UNDOING,
        next_try_at=now,
        attempts=0,
        last_error="",
    )
    for row in _asked(run).select_related("record").order_by("pk"):
        if row.before and all(row.record.values.get(n) == v for n, v in row.values.items()):
            try:
                ask(row.record, row.before, by=by, why="Undo", key=f"undo:{row.pk}", now=now)
            except AskError as error:
                log.info("what %s changed can't be asked back: %s", row.key, error.text)
            else:
                count += len(row.before)
    ring("push")
    return count


def _of_run(run: Run) -> QuerySet[DesiredField]:
    rows = DesiredField.objects.filter(sent_by=str(run.pk), record__connection=run.connection)
    return rows.exclude(state=DesiredField.State.REFUSED)


def _changed_by_others() -> Q:
    return Q(changed_by_others_at__isnull=False, changed_by_others_at__gt=F("sent_at"))


def _gone() -> Q:
    return Q(record__deleted_at__isnull=False) | Q(record__merged_into__isnull=False)


def _asked(run: Run) -> QuerySet[AskedChange]:
    return AskedChange.objects.filter(
        sent_by=str(run.pk), state=AskedChange.State.DONE, record__connection=run.connection
    )


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
