"""Who we are in a CRM, what our user can see there, and what to change where something lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from integrations.base import Connector
from integrations.connecting import guide
from integrations.connecting.standard import FIRST
from integrations.errors import ConnectorError, Misconfigured, Reconnect, Rejected
from integrations.models import Credential, WriteSwitch
from integrations.registry import connector_for
from integrations.secrets import mark_verified
from records.models import Connection


@dataclass(frozen=True)
class Seen:
    """One thing looked at. ``what_to_do`` is empty where nothing lacks."""

    name: str
    text: str
    what_to_do: str = ""

    @property
    def is_well(self) -> bool:
        return not self.what_to_do


@dataclass
class Found:
    """``error``: why the CRM could not be asked at all."""

    at: str
    account: str = ""
    account_id: str = ""
    is_sandbox: bool = False
    error: str = ""
    what_to_do: str = ""
    seen: list[Seen] = field(default_factory=list)

    @property
    def lacking(self) -> list[Seen]:
        return [one for one in self.seen if not one.is_well]

    @property
    def is_well(self) -> bool:
        return not self.error and not self.lacking


def look(connection: Connection, now: datetime) -> Found:
    """Ask the CRM, and keep what was found beside the credentials."""
    found = Found(now.isoformat())
    try:
        connector = connector_for(connection)
        account = connector.check()
        found.account, found.account_id, found.is_sandbox = (
            account.name,
            account.remote_id,
            account.is_sandbox,
        )
        for remote_object in _to_see(connection):
            found.seen.append(_object(connection, connector, remote_object))
        found.seen.append(_owners(connection, connector))
    except ConnectorError as error:
        found.error, found.what_to_do = str(error), next_step(error)
    else:
        mark_verified(connection, now)
        Connection.objects.filter(pk=connection.pk).update(
            account_id=found.account_id[:80], account_name=found.account[:200], is_sandbox=found.is_sandbox
        )
    Credential.objects.filter(connection=connection).update(found=asdict(found))
    return found


def last_found(connection: Connection) -> Found | None:
    row = Credential.objects.filter(connection=connection).first()
    if row is None or not row.found:
        return None
    told: Mapping[str, Any] = row.found
    return Found(**{**told, "seen": [Seen(**one) for one in told.get("seen", ())]})


def next_step(error: ConnectorError) -> str:
    """What a person does about an error, by its type."""
    if isinstance(error, Misconfigured):
        return "Change that in the CRM or in the credentials, then test again."
    if isinstance(error, Rejected):
        return "The CRM refuses it for good: change what it names, then test again."
    if isinstance(error, Reconnect):
        return "Enter the credentials again, or approve the app there."
    return "Nothing is wrong here. Wait a minute, then test again."


def in_words(error: ConnectorError) -> str:
    """What went wrong, as the CRM says it, and what a person does about it."""
    said = str(error).rstrip()
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} {next_step(error)}"


def _to_see(connection: Connection) -> Sequence[str]:
    chosen = list((connection.setup or {}).get("objects", {}))
    mapped = sorted(set(connection.mappings.values_list("remote_object", flat=True)))
    return list(dict.fromkeys([*FIRST.get(connection.kind, ()), *chosen, *mapped]))


def _object(connection: Connection, connector: Connector, remote_object: str) -> Seen:
    try:
        described = connector.describe(remote_object)
    except (Misconfigured, Rejected) as error:
        return Seen(
            remote_object, f"Our user can't see it. {error}", guide.read_right(connection.kind, remote_object)
        )
    rows = connection.mappings.filter(remote_object=remote_object).exclude(remote_name__startswith="=")
    gone = [name for name in rows.values_list("remote_name", flat=True) if name not in described]
    text = f"{len(described)} fields to be seen"
    if gone:
        return Seen(
            remote_object,
            f"{text}, but no longer {', '.join(sorted(gone))}",
            "Give access to them, or choose other fields for them under “What has changed”.",
        )
    written = WriteSwitch.objects.filter(connection=connection, remote_object=remote_object, is_on=True)
    ours = rows.filter(field__name__in=written.values("field")).values_list("remote_name", flat=True)
    if locked := sorted(name for name in ours if not described[name].is_writable):
        return Seen(
            remote_object,
            f"{text}, but our user can't write {', '.join(locked)}",
            guide.WRITE_RIGHTS[connection.kind].format(object=remote_object),
        )
    return Seen(remote_object, text)


def _owners(connection: Connection, connector: Connector) -> Seen:
    try:
        owners = connector.owners()
    except (Misconfigured, Rejected) as error:
        return Seen("People", str(error), guide.OWNER_RIGHTS[connection.kind])
    people = [one for one in owners if one.kind == "person" and one.is_active]
    queues = sum(one.kind == "queue" for one in owners)
    if not people:
        return Seen("People", "Nobody is shown as an owner.", guide.OWNER_RIGHTS[connection.kind])
    return Seen("People", f"{len(people)} active owners" + (f", {queues} queues" if queues else ""))
