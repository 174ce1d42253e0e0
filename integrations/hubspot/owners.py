"""Who records can belong to: owners, those who left too, with their teams."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.base import RemoteOwner
from integrations.hubspot.answers import Row, next_after, rows_of
from integrations.hubspot.session import HubspotSession

PAGE = 500


def read_owners(session: HubspotSession) -> Sequence[RemoteOwner]:
    """HubSpot tells neither role nor manager."""
    found: dict[str, RemoteOwner] = {}
    # Records keep the owners who left, and only the second list has those.
    for archived in (False, True):
        after: str | None = None
        while True:
            answer = session.call(
                session.client.crm.owners.owners_api.get_page,
                limit=PAGE,
                archived=archived,
                **({"after": after} if after else {}),
            )
            for row in rows_of(answer):
                found.setdefault(str(row["id"]), _owner(row, is_active=not archived))
            after = next_after(answer)
            if after is None:
                break
    return list(found.values())


def _owner(row: Row, *, is_active: bool) -> RemoteOwner:
    name = " ".join(str(row[k]) for k in ("firstName", "lastName") if row.get(k))
    # The main team first: whoever is in several is reported under that one.
    teams = sorted(row.get("teams") or [], key=lambda t: not t.get("primary"))
    return RemoteOwner(
        str(row["id"]),
        name or str(row.get("email") or row["id"]),
        str(row.get("email") or ""),
        is_active,
        teams=tuple(str(t["name"]) for t in teams if t.get("name")),
    )
