"""Taking out of a CRM everything of ours: what goes, what stays, and the steps, each safe to repeat after a kill."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from effects.tick import ring
from integrations import runs
from integrations.enforcement import services as enforcement
from integrations.enforcement.acting import Refused
from integrations.errors import ConnectorError, RetryLater
from integrations.models import (
    ActivitySwitches,
    Credential,
    EnforcementItem,
    PullCursor,
    Run,
    WriteSwitch,
)
from integrations.registry import connector_class, connector_for
from integrations.reporting import services as reporting
from integrations.reporting.models import ReportItem
from integrations.writing import deciding
from integrations.writing.models import Uninstall
from records.asked import refuse
from records.models import AskedChange, Connection, DesiredField, FieldMapping, Record
from records.own_fields import OWN_FIELD_BY_NAME
from teams.models import Person

log = logging.getLogger(__name__)

MOST_TRIES: Final = 8
NOT_SENT: Final = "gtmops is being taken out of {crm}: nothing is written any more."


class WrongName(ValueError):
    """What was typed is not the connection's name."""


@dataclass(frozen=True)
class Line:
    what: str
    detail: str = ""


@dataclass(frozen=True)
class UninstallPlan:
    """What goes, what stays, and what a person has to do there by hand."""

    connection: Connection
    goes: list[Line] = field(default_factory=list)
    stays: list[Line] = field(default_factory=list)
    by_hand: list[Line] = field(default_factory=list)
    under_way: Uninstall | None = None
    is_gone: bool = False
    """No credentials are left: nothing more can be taken out from here."""


# --- planning --------------------------------------------------------------------------------------------------


def plan(connection: Connection) -> UninstallPlan:
    """Nothing is asked of the CRM."""
    crm = connector_class(connection.kind)
    found = UninstallPlan(
        connection,
        under_way=Uninstall.objects.filter(connection=connection, finished_at=None)
        .select_related("run")
        .first(),
        is_gone=not Credential.objects.filter(connection=connection).exists(),
    )
    for remote_object, fields in _our_fields(connection).items():
        names = ", ".join(crm.own_field_name(OWN_FIELD_BY_NAME[name]) for name in fields)
        found.goes.append(Line(f"{len(fields)} fields of {remote_object}, and every value in them", names))
    rules = EnforcementItem.objects.filter(connection=connection).exclude(
        state=EnforcementItem.State.GIVEN_UP
    )
    if made := sorted(rules.values_list("name", flat=True)):
        found.goes.append(
            Line("Rules that enforce the model, and what lets our user pass them", ", ".join(made))
        )
    if reports := ReportItem.objects.filter(connection=connection).count():
        found.goes.append(
            Line(f"{reports} reports and dashboards of ours", "What others put into our folder stays.")
        )
    found.goes.append(Line("Our credentials, here", "Nothing is read or written afterwards."))
    records = Record.objects.filter(connection=connection).count()
    found.stays.append(
        Line(
            f"{records:,} records as gtmops read them, and everything it concluded",
            "They stay in gtmops until it is removed itself.",
        )
    )
    found.stays.append(
        Line(
            "Tasks and activities that we created, and what people changed through gtmops",
            f"They are {connection.label}'s own records and values now.",
        )
    )
    if connection.kind == Connection.Kind.SALESFORCE:
        found.by_hand.append(
            Line("The connected app and its user", "Setup, App Manager: delete the app; deactivate the user.")
        )
        found.by_hand.append(
            Line(
                "Deleted fields", "Salesforce keeps them for 15 days under Deleted Fields; erase them there."
            )
        )
    else:
        found.by_hand.append(
            Line(
                "The private app or service key",
                "Settings, Integrations: delete it. Its webhooks end with it.",
            )
        )
        found.by_hand.append(
            Line(
                "Lists, views and workflows that use our properties",
                "HubSpot keeps such a property until then.",
            )
        )
    return found


def _our_fields(connection: Connection) -> dict[str, list[str]]:
    rows = WriteSwitch.objects.filter(
        connection=connection, provisioned_at__isnull=False, field__in=OWN_FIELD_BY_NAME
    )
    found: dict[str, list[str]] = {}
    for remote_object, name in rows.values_list("remote_object", "field"):
        found.setdefault(remote_object, []).append(name)
    return found


# --- starting --------------------------------------------------------------------------------------------------


def start(
    connection: Connection, typed_name: str, by: Person | None, now: datetime, *, leaves_ours: bool = False
) -> Uninstall:
    """Stop writing at once and take the rest out step by step, in the background; the one under way if there is one.

    Raises WrongName unless ``typed_name`` is the connection's name or label."""
    if typed_name.strip().casefold() not in {connection.name.casefold(), connection.label.casefold()}:
        raise WrongName(f"Type “{connection.label}” to confirm.")
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        under_way = Uninstall.objects.filter(connection=connection, finished_at=None).first()
        if under_way is not None:
            return under_way
        stop_writing(connection, now)
        run = runs.open_run(Run.Kind.UNINSTALL, connection, f"Uninstall from {connection.label}", now)
        row = Uninstall.objects.create(
            connection=connection, run=run, by=by, by_name=by.name if by else "", leaves_ours=leaves_ours,
            next_try_at=now,
        )  # fmt: skip
        run.total = len(_steps(row))
        _step(row, f"{row.by_name or 'Somebody'} asked for it. Writing to {connection.label} is off.", now)
    ring("uninstall")
    return row


def stop_writing(connection: Connection, now: datetime) -> None:
    """Every switch off, and what people asked for and was not sent is refused in words."""
    Connection.objects.filter(pk=connection.pk).update(
        is_writing=False,
        writing_paused_at=None,
        is_writing_stage=False,
        is_writing_fields=False,
        is_writing_owner=False,
    )
    WriteSwitch.objects.filter(connection=connection).update(is_on=False)
    ActivitySwitches.objects.filter(connection=connection).delete()
    waiting = AskedChange.objects.select_for_update(of=("self",), no_key=True).filter(
        state=AskedChange.State.WAITING, sent_at=None, record__connection=connection
    )
    for row in waiting.select_related("record__connection", "by").order_by("pk"):
        refuse(row, NOT_SENT.format(crm=connection.label), now)
        row.save()


# --- carrying out ----------------------------------------------------------------------------------------------


def uninstall_due(now: datetime) -> int:
    """Carry out what was asked for. Returns steps done."""
    done = 0
    while row := _claim(now):
        done += _carry_out(row, now)
    return done


def next_due(now: datetime) -> datetime | None:
    rows = Uninstall.objects.filter(_free(now), finished_at=None).order_by("next_try_at")
    found = rows.values_list("next_try_at", flat=True).first()
    return None if found is None else max(found, now + timedelta(seconds=1))


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)


def _claim(now: datetime) -> Uninstall | None:
    with transaction.atomic():
        row = (
            Uninstall.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(_free(now), finished_at=None, next_try_at__lte=now)
            .select_related("connection", "run", "by")
            .order_by("next_try_at")
            .first()
        )
        if row is None:
            return None
        _lease(row, now)
    return row


def _lease(row: Uninstall, now: datetime) -> None:
    row.lease_until = now + settings.GTMOPS.lease
    row.lease_token = uuid.uuid4()
    row.save(update_fields=["lease_until", "lease_token"])


def _carry_out(row: Uninstall, now: datetime) -> int:
    done = 0
    for key, act in _steps(row):
        if key in row.done:
            continue
        try:
            said = act(row, now)
        except RetryLater as error:
            _later(row, error, now)
            return done
        except (ConnectorError, Refused) as error:
            _end(row, now, error=str(error))
            return done
        except Exception as error:
            log.exception("uninstalling %s failed", row.connection.name)
            _end(row, now, error=f"{type(error).__name__}: {error}")
            return done
        row.done.append(key)
        row.attempts = 0
        row.save(update_fields=["done", "attempts"])
        _lease(row, now)
        _step(row, said, now, done=1)
        done += 1
    _end(row, now)
    return done


def _steps(row: Uninstall) -> list[tuple[str, Callable[[Uninstall, datetime], str]]]:
    """In this order: what refuses people's saves first, the credentials last, because all else needs them."""
    found: list[tuple[str, Callable[[Uninstall, datetime], str]]] = []
    if not row.leaves_ours:
        found += [("rules", _remove_rules), ("reports", _remove_reports), ("fields", _remove_fields)]
    return [*found, ("credentials", _forget_credentials)]


def _remove_rules(row: Uninstall, now: datetime) -> str:
    if not EnforcementItem.objects.filter(connection=row.connection).exists():
        return "No rules of ours were there."
    run = enforcement.remove(row.connection, None, now, row.by_name)
    if run.error:
        raise RetryLater(run.error)
    return str(run.steps[-1]["text"]) if run.steps else "The rules were removed."


def _remove_reports(row: Uninstall, now: datetime) -> str:
    if not ReportItem.objects.filter(connection=row.connection).exists():
        return "No reports of ours were there."
    run = reporting.remove(row.connection, now, row.by_name)
    if run.error:
        raise RetryLater(run.error)
    return "Our reports and the dashboard were removed."


def _remove_fields(row: Uninstall, now: datetime) -> str:
    connection = row.connection
    connector = connector_for(connection)
    count = 0
    for remote_object, fields in sorted(_our_fields(connection).items()):
        # The mapping goes first: a pull between the two would say that somebody took the fields away.
        FieldMapping.objects.filter(
            connection=connection, remote_object=remote_object, field__name__in=fields
        ).delete()
        removed = connector.remove_fields(remote_object, [OWN_FIELD_BY_NAME[name] for name in fields])
        count += len(removed)
        with transaction.atomic():
            WriteSwitch.objects.filter(
                connection=connection, remote_object=remote_object, field__in=fields
            ).delete()
            DesiredField.objects.filter(
                record__connection=connection, record__remote_object=remote_object, field__in=fields
            ).delete()
    return f"{count} fields of ours were removed." if count else "No fields of ours were there."


def _forget_credentials(row: Uninstall, now: datetime) -> str:
    Credential.objects.filter(connection=row.connection).delete()
    who = f" by {row.by_name}" if row.by_name else ""
    Connection.objects.filter(pk=row.connection_id).update(
        state=Connection.State.PAUSED,
        state_reason=f"Uninstalled{who} on {now:%d %b %Y}.",
        disconnected_at=now,
    )
    PullCursor.objects.filter(connection=row.connection).update(lease_until=None, lease_token=None)
    return "The credentials were forgotten. Nothing is read or written any more."


def _later(row: Uninstall, error: RetryLater, now: datetime) -> None:
    row.attempts += 1
    if row.attempts >= MOST_TRIES:
        _end(row, now, error=f"{error} It was tried {row.attempts} times.")
        return
    row.next_try_at = error.at or now + deciding.pause_after(row.attempts)
    row.lease_until = row.lease_token = None
    row.save(update_fields=["attempts", "next_try_at", "lease_until", "lease_token"])
    _step(row, f"{error} It goes on at {row.next_try_at:%H:%M} UTC.", now)


def _step(row: Uninstall, text: str, now: datetime, *, done: int = 0) -> None:
    row.run.steps.append({"at": now.isoformat(), "text": text})
    row.run.done += done
    row.run.save(update_fields=["steps", "total"])
    runs.save_progress(row.run, now)


def _end(row: Uninstall, now: datetime, *, error: str = "") -> None:
    """What was done stays done; asked for again, it goes on from there."""
    row.finished_at = now
    row.lease_until = row.lease_token = None
    row.save(update_fields=["finished_at", "lease_until", "lease_token"])
    runs.close_run(row.run, now, error=error)


def last_of(connection: Connection) -> Uninstall | None:
    """The one under way, or the latest that ended."""
    rows = Uninstall.objects.filter(connection=connection).select_related("run")
    return rows.order_by(F("finished_at").desc(nulls_first=True), "-pk").first()
