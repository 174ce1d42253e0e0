"""The board names who should have watched a queue, where the CRM tells."""

from __future__ import annotations

import pytest

from records.models import Connection, OwnerMatch
from scorecards.boards.black_hole import queue_members, watch_words

SILAS, FEMKE, DANA = ("Silas Kerbridge", False), ("Femke Dijkwater", False), ("Dana Okwell", True)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (None, "Nobody has taken one out lately. Check who reads it: its members may have left."),
        ((), "It has no members in the CRM: nobody can take one out."),
        ((SILAS,), "Silas Kerbridge takes from it, and has left."),
        ((SILAS, FEMKE), "Silas Kerbridge and Femke Dijkwater take from it, and both have left."),
        (
            (SILAS, FEMKE, ("Otto Last", False)),
            "Silas Kerbridge, Femke Dijkwater and Otto Last take from it, and all have left.",
        ),
        ((SILAS, DANA), "Silas Kerbridge and Dana Okwell take from it; only Dana Okwell still works there."),
        ((DANA,), "Dana Okwell takes from it, and took none out lately."),
    ],
)
def test_who_should_have_watched_it(members: tuple[tuple[str, bool], ...] | None, words: str) -> None:
    assert watch_words(members) == words


def test_members_are_read_in_their_own_crm(db: None) -> None:
    one, two = (Connection.objects.create(name=n, label=n, kind="salesforce") for n in ("one", "two"))
    OwnerMatch.objects.create(connection=one, remote_id="d", name="Dana Okwell")
    OwnerMatch.objects.create(connection=two, remote_id="d", name="Somebody Else", is_active=False)
    for name, members in (("Inbound", ["d", "gone"]), ("Empty", []), ("Silent", None)):
        OwnerMatch.objects.create(connection=one, remote_id=name, kind="queue", name=name, members=members)
    assert queue_members() == {"Inbound": (("Dana Okwell", True),), "Empty": (), "Silent": None}
