"""What a CRM said it saved and did not: found once it was read past our write and still shows something else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, OuterRef, Subquery
from django.db.models.expressions import RawSQL

from integrations.models import PullCursor
from integrations.writing.claiming import locked_state
from integrations.writing.models import WriteAttempt
from records.models import Connection, DesiredField

EVERY: Final = timedelta(minutes=10)
SKEW: Final = timedelta(minutes=10)
"""A CRM's clock may differ from ours by so much; a cursor's mark is by the CRM's."""
CODE: Final = "NOT_KEPT"


def find_kept(connection: Connection, now: datetime) -> int:
    """Refuse what was sent, and was not there when the CRM was read afterwards. Fields refused; at most every
    ten minutes."""
    with transaction.atomic():
        state = locked_state(connection)
        if state.looked_at is not None and now - state.looked_at < EVERY:
            return 0
        state.looked_at = now
        state.save(update_fields=["looked_at"])
        rows = list(_kept(connection).select_for_update(of=("self",), no_key=True))
        attempts = []
        for row in rows:
            shown = row.record.values[row.field]
            row.state, row.last_error = DesiredField.State.REFUSED, _said(connection.label, shown)
            row.known, row.is_known = shown, True
            attempts.append(
                WriteAttempt(
                    connection=connection,
                    record_id=row.record_id,
                    at=now,
                    outcome=WriteAttempt.Outcome.KEPT,
                    code=CODE,
                    text=row.last_error,
                    values={row.field: [shown, row.desired]},
                )
            )
        DesiredField.objects.bulk_update(rows, ["state", "last_error", "known", "is_known"])
        WriteAttempt.objects.bulk_create(attempts)
    return len(rows)


def _kept(connection: Connection) -> Any:
    cursor = PullCursor.objects.filter(
        connection=connection, remote_object=OuterRef("record__remote_object")
    ).values("mark_at")[:1]
    return (
        DesiredField.objects.filter(
            state=DesiredField.State.SENT,
            hold=False,
            record__connection=connection,
            record__deleted_at=None,
            record__merged_into=None,
        )
        .alias(
            read_to=Subquery(cursor, output_field=DateTimeField()),
            sent_by_then=ExpressionWrapper(F("sent_at") + SKEW, output_field=DateTimeField()),
            shown=RawSQL("records_record.values -> records_desiredfield.field", []),
            wanted=RawSQL("coalesce(records_desiredfield.desired, 'null'::jsonb)", []),
        )
        .filter(read_to__gt=F("sent_by_then"), shown__isnull=False)
        .exclude(shown=F("wanted"))
        .select_related("record")
        .order_by("pk")
    )


def _said(crm: str, shown: Any) -> str:
    what = "nothing" if shown is None else f"“{str(shown)[:200]}”"
    return f"{crm} answered that it was saved, and shows {what}. A flow, trigger or workflow there may set the field."
