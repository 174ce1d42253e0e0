"""The contract between gtmops and a CRM. Typed values cross it, never a provider's own structures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

from integrations.errors import ConnectorError
from records.incoming import IncomingRecord
from records.own_fields import OwnField


@dataclass(frozen=True)
class Account:
    """What a successful check found; ``now`` is the CRM's own clock."""

    remote_id: str
    name: str
    now: datetime
    is_sandbox: bool = False


@dataclass(frozen=True)
class RemoteField:
    """A field as the connected user sees it. ``type`` is the provider's own word; ``options`` are (value, label)."""

    name: str
    label: str
    type: str
    is_writable: bool = True
    length: int = 0
    options: tuple[tuple[str, str], ...] = ()
    refers_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteObject:
    """A kind of record as the connected user sees it; ``name`` is the API's word, ``label`` the CRM's for people."""

    name: str
    label: str
    is_custom: bool = False


@dataclass(frozen=True)
class Wanted:
    """What to read of a remote object: fields, those of them with history, and associated remote objects."""

    fields: tuple[str, ...]
    with_history: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """Rows last modified in [since, until) by the CRM's clock; ``since`` None: all there are."""

    until: datetime
    since: datetime | None = None
    with_deleted: bool = True


@dataclass(frozen=True)
class Page:
    """One answer of a pull. ``state`` (JSON) is where a new process goes on after these records are stored."""

    records: Sequence[IncomingRecord]
    state: Mapping[str, Any]
    total: int | None = None


@dataclass(frozen=True)
class ReadResult:
    """``missing``: ids the CRM does not show (deleted for good, merged away, or no access)."""

    records: Sequence[IncomingRecord]
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class IdPage:
    """Live ids, each with its last modification there. ``after`` is where the next page begins."""

    ids: Sequence[tuple[str, datetime]]
    after: str


@dataclass(frozen=True)
class RemoteOwner:
    """A user or a queue there. ``manager_id`` and ``members`` are remote ids of other owners; ``members`` is who takes
    from a queue, None where the CRM does not tell; the others are empty then."""

    remote_id: str
    name: str
    email: str = ""
    is_active: bool = True
    kind: Literal["person", "queue"] = "person"
    role: str = ""
    manager_id: str = ""
    teams: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PushResult:
    """What became of one write: ``retry`` may be sent again later, ``refused`` may not, ``gone``: no such record.

    ``fields``: remote names that the CRM blamed."""

    remote_id: str
    outcome: Literal["written", "refused", "retry", "gone"]
    text: str = ""
    code: str = ""
    fields: tuple[str, ...] = ()


Write = tuple[str, Mapping[str, Any]]
"""(remote id, {remote field name: logical value})"""

UNANSWERED = "UNANSWERED"
"""Code of a result that the CRM left out of its answer: whether it was written has to be read."""


def push_in_turn(
    push: Callable[[Sequence[Write]], Sequence[PushResult]],
    parts: Iterable[Sequence[Write]],
    answered: Sequence[PushResult] = (),
) -> list[PushResult]:
    """The results of all parts, behind those known already; an error takes along what was answered before it."""
    results = list(answered)
    for part in parts:
        try:
            results += push(part)
        except ConnectorError as error:
            error.answered = (*results, *error.answered)
            raise
    return results


@dataclass(frozen=True)
class NewActivity:
    """A task to do, or something that happened, about one record. ``at``: when it is due, or was. ``mark`` stands in
    its text and finds it again, because no CRM takes a key that makes a repeat harmless."""

    kind: Literal["task", "call", "email", "meeting", "message"]
    remote_object: str
    remote_id: str
    owner: str
    subject: str
    text: str
    at: datetime
    mark: str


@dataclass(frozen=True)
class Capabilities:
    """Batch sizes are the largest the API takes. ``locks_accounts``: a write holds the record's account, so that
    records of one account are best written together."""

    can_pull: bool = True
    can_push: bool = True
    can_create_fields: bool = True
    has_webhooks: bool = False
    read_batch: int = 100
    push_batch: int = 100
    locks_accounts: bool = False


class Connector(Protocol):
    """One provider. Every method may raise RetryLater, Reconnect or Misconfigured (``integrations.errors``)."""

    kind: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def check(self) -> Account:
        """Try the credentials."""

    def server_now(self) -> datetime:
        """The CRM's clock as of its last answer."""

    def describe(self, remote_object: str) -> Mapping[str, RemoteField]:
        """Fields by name, as the connected user sees them now. Raises Misconfigured for an object it can't see."""

    def list_objects(self) -> Sequence[RemoteObject]:
        """Every kind of record that the connected user can read there."""

    def sample(self, remote_object: str, names: Sequence[str], size: int) -> Sequence[Mapping[str, Any]]:
        """What some recent records say in these fields, for people who map them."""

    def list_ids(self, remote_object: str, after: str) -> Iterator[IdPage]:
        """Every live id with its last modification, in no promised order; ``after`` "": from the start, else from
        where a page of an earlier listing said. Ids may come twice, never not at all."""

    def pull(
        self, remote_object: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        """Pages of the window in an order that ``state`` can continue; ``state`` empty: from the start.

        The iterator ends when the window is read to its end; rows may come twice, never not at all."""

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        """Records by id, deleted ones too."""

    def read_about(
        self, remote_object: str, remote_id: str, wanted: Mapping[str, Wanted]
    ) -> Sequence[IncomingRecord]:
        """Activities of one record, for those remote objects in ``wanted`` that are activities."""

    def push(self, remote_object: str, writes: Sequence[Write]) -> Sequence[PushResult]:
        """Write up to ``capabilities.push_batch`` records in as few calls as possible; one result per record."""

    @staticmethod
    def own_field_name(field: OwnField) -> str:
        """What our field is called there."""

    def create_fields(self, remote_object: str, fields: Sequence[OwnField]) -> None:
        """Create ours where missing and make them visible to the connected user. Safe to repeat.

        Raises Misconfigured when a field of that name is not ours or the user may not create fields."""

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> Sequence[str]:
        """Take away those of our fields that are there, and nothing else; their names. Safe to repeat."""

    def links_of(self, remote_object: str) -> tuple[str, ...]:
        """Remote objects whose association says whose history a record belongs to."""

    def find_activity(self, activity: NewActivity) -> tuple[str, str] | None:
        """(remote object, remote id) of what was created of it before; read past any search index that lags."""

    def create_activity(self, activity: NewActivity) -> tuple[str, str]:
        """Create it and tie it to its record in one call. Raises Rejected for what the CRM won't take."""

    def owners(self) -> Sequence[RemoteOwner]:
        """Everyone, and every queue, that a record can belong to; leavers too."""
