from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.enforcement import drift, services
from integrations.enforcement.acting import Refused
from integrations.enforcement.places import plans_for
from integrations.errors import ConnectorError
from integrations.management.choosing import add_connection_argument, chosen_connections
from integrations.models import EnforcementItem, Run
from records.models import Connection

ACTS = ("check", "create", "activate", "deactivate", "remove", "drift")


class Command(BaseCommand):
    help = "Hold the model's exit criteria inside the CRM: check, create inactive, activate, deactivate, remove, drift."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("act", choices=ACTS)
        add_connection_argument(parser)
        parser.add_argument(
            "--even-while-warning", action="store_true", help="Activate although the model only warns yet."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for connection in chosen_connections(options["connection"]):
            if connection.kind != Connection.Kind.SALESFORCE and options["act"] != "check":
                continue
            try:
                run = _act(options["act"], connection, even_while_warning=options["even_while_warning"])
            except (Refused, ConnectorError) as error:
                raise CommandError(f"{connection.name}: {error}") from error
            for step in run.steps if run else ():
                self.stdout.write(f"{connection.name}: {step['text']}")
            if run and run.error:
                raise CommandError(f"{connection.name}: {run.error}")


def _act(act: str, connection: Connection, *, even_while_warning: bool) -> Run | None:
    now = datetime.now(UTC)
    made = [services.key_of(item) for item in _rules(connection)]
    whole: dict[str, Callable[[], Run]] = {
        "check": lambda: services.check(connection, now),
        "remove": lambda: services.remove(connection, None, now),
        "drift": lambda: drift.find_drift(connection, now),
    }
    if act in whole:
        return whole[act]()
    if act == "create":
        made = [plan.key for plan in plans_for(connection, now) if plan.rule is not None]
    if not made:
        return None
    if act == "create":
        return services.create(connection, made, now)
    if act == "activate":
        return services.activate(connection, made, now, even_while_warning=even_while_warning)
    return services.deactivate(connection, made, now)


def _rules(connection: Connection) -> list[EnforcementItem]:
    rows = EnforcementItem.objects.filter(connection=connection, kind=EnforcementItem.Kind.RULE)
    return list(rows.exclude(state=EnforcementItem.State.GIVEN_UP))
