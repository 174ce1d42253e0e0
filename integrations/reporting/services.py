"""Reports on our own fields inside the CRM: what would be made, making it, and taking it away again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from integrations.enforcement.acting import Log, acting, must_write, patiently
from integrations.errors import Misconfigured
from integrations.models import Run, WriteSwitch
from integrations.registry import connector_for
from integrations.reporting.models import ReportItem
from integrations.salesforce.deploying import Problem
from integrations.salesforce.reports import DASHBOARD, REPORTS, Report, Reports, fingerprint
from records.models import Connection
from records.own_fields import OWN_FIELD_BY_NAME

TITLES = {report.name: report.title for report in REPORTS} | {DASHBOARD: "gtmops"}
State = Literal["made", "making", "stale", "planned", "waiting", "left over"]


@dataclass(frozen=True)
class Line:
    """One report or the dashboard. ``columns``: what it shows, in words; ``missing``: fields of ours not there yet."""

    name: str
    title: str
    says: str
    remote_object: str
    columns: tuple[str, ...]
    state: State
    missing: tuple[str, ...] = ()
    put_at: datetime | None = None


@dataclass(frozen=True)
class View:
    connection: Connection
    lines: list[Line]
    last_run: Run | None

    @property
    def planned(self) -> int:
        return sum(line.state in ("planned", "stale", "making") for line in self.lines)

    @property
    def made(self) -> int:
        return sum(line.put_at is not None or line.state == "making" for line in self.lines)


def takes_reports(connection: Connection) -> bool:
    return connection.kind == Connection.Kind.SALESFORCE


def view_of(connection: Connection) -> View:
    there, items = fields_there(connection), _items(connection)
    planned = plan(connection)
    current = fingerprint(planned)
    lines = [_line(report, there, items.get(report.name), current) for report in REPORTS]
    dashboard = items.get(DASHBOARD)
    if planned or dashboard:
        state = _state(dashboard, current) if planned else "left over"
        says = "All of them at a glance, each viewer with their own rights."
        put_at = dashboard.put_at if dashboard else None
        lines.append(Line(DASHBOARD, TITLES[DASHBOARD], says, "Dashboard", (), state, (), put_at))
    last = Run.objects.filter(
        kind=Run.Kind.ENFORCE, connection=connection, label__startswith="Reports"
    ).first()
    return View(connection, lines, last)


def plan(connection: Connection) -> list[Report]:
    """The reports whose fields are all there."""
    there = fields_there(connection)
    return [r for r in REPORTS if r.fields <= there.get(r.remote_object, set())]


def check(connection: Connection, now: datetime, by: str = "") -> Run:
    """Ask the CRM whether it would take them; nothing is changed there."""
    with acting(connection, "Reports: check", now, by) as log:
        reports = _planned(connection)
        _say(
            log,
            patiently(_client(connection).check, reports),
            f"{len(reports)} reports and a dashboard would be taken.",
        )
    return log.run


def create(connection: Connection, now: datetime, by: str = "") -> Run:
    """Make them, or bring them up to date. Raises Refused while nothing may be created there."""
    must_write(connection)
    with acting(connection, "Reports: create", now, by) as log:
        reports = _planned(connection)
        mark, wanted = fingerprint(reports), [*(r.name for r in reports), DASHBOARD]
        for name in wanted:
            ReportItem.objects.get_or_create(connection=connection, name=name, defaults={"fingerprint": mark})
        log.total(len(wanted))
        _say(
            log,
            patiently(_client(connection).put, reports),
            f"{len(reports)} reports and a dashboard are there.",
        )
        ReportItem.objects.filter(connection=connection, name__in=wanted).update(fingerprint=mark, put_at=now)
        log.step("Every one was written down.", done=len(wanted))
    return log.run


def remove(connection: Connection, now: datetime, by: str = "") -> Run:
    """Delete everything we made of this kind; what others put into our folder stays, and the folder with it."""
    with acting(connection, "Reports: remove", now, by) as log:
        items = list(ReportItem.objects.filter(connection=connection))
        log.total(len(items))
        names = [item.name for item in items if item.name != DASHBOARD]
        for text in patiently(_client(connection).remove, names):
            log.step(text)
        ReportItem.objects.filter(pk__in=[item.pk for item in items]).delete()
        log.step(f"{len(items)} were removed.", done=len(items))
    return log.run


# --- inside ---------------------------------------------------------------------------------------------------------


def _client(connection: Connection) -> Reports:
    make = getattr(connector_for(connection), "reports", None)
    if make is None:
        raise Misconfigured(f"{connection.label} takes no reports by its API.")
    found: Reports = make()
    return found


def _planned(connection: Connection) -> list[Report]:
    found = plan(connection)
    if not found:
        raise Misconfigured("None of our fields is there yet. Create them first, on “What we write”.")
    return found


def _say(log: Log, problems: list[Problem], good: str) -> None:
    """Raises Misconfigured with what the CRM has against them."""
    if problems:
        raise Misconfigured("; ".join(f"{p.name}: {p.text}".removeprefix(": ") for p in problems)[:2000])
    log.step(good)


def fields_there(connection: Connection) -> dict[str, set[str]]:
    """Our fields that were created, by remote object."""
    rows = WriteSwitch.objects.filter(connection=connection, provisioned_at__isnull=False)
    found: dict[str, set[str]] = {}
    for remote_object, name in rows.values_list("remote_object", "field"):
        found.setdefault(remote_object, set()).add(name)
    return found


def _items(connection: Connection) -> dict[str, ReportItem]:
    return {item.name: item for item in ReportItem.objects.filter(connection=connection)}


def _line(report: Report, there: dict[str, set[str]], item: ReportItem | None, current: str) -> Line:
    missing = sorted(report.fields - there.get(report.remote_object, set()))
    state: State = ("left over" if item else "waiting") if missing else _state(item, current)
    return Line(
        report.name,
        report.title,
        report.says,
        report.remote_object,
        tuple(_label(name) for name in (report.grouped_by, *report.columns)),
        state,
        tuple(map(_label, missing)),
        item.put_at if item else None,
    )


def _label(name: str) -> str:
    own = OWN_FIELD_BY_NAME.get(name)
    return own.label if own else name.replace("_NAME", "").replace("_", " ").capitalize()


def _state(item: ReportItem | None, current: str) -> State:
    if item is None:
        return "planned"
    if item.put_at is None:
        return "making"
    return "made" if item.fingerprint == current else "stale"
