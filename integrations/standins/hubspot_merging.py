"""What becomes of records that go for good: merged into another, or forgotten on request."""

from __future__ import annotations

from integrations.standins.hubspot_rules import SYSTEM
from integrations.standins.store import Actor, Fields, Store, Stored, Written

MERGED = "hs_merged_object_ids"


def successor(store: Store, kind: str, remote_id: str) -> str:
    """The id under which a record lives today; the same where it was never merged away."""
    while (following := store.meta(f"merged:{kind}:{remote_id}")) is not None:
        remote_id = str(following)
    return remote_id


def merge(store: Store, primary: Stored, other: Stored, actor: Actor, *, new_id: bool) -> Stored:
    """One record of two: the primary's values, the other's where it has none, the links of both, every old id.

    With ``new_id`` both old ids end and a third lives on."""
    with store.transaction():
        losers = [primary, other] if new_id else [other]
        fields: Fields = {**other.fields, **{k: v for k, v in primary.fields.items() if v is not None}}
        old_ids = [i for row in (primary, other) for i in str(row.fields.get(MERGED) or "").split(";") if i]
        old_ids += [row.remote_id for row in losers]
        fields[MERGED] = ";".join(dict.fromkeys(old_ids))
        if new_id:
            number = str(store.next_number("hubspot"))
            winner = store.create(SYSTEM, primary.object, number, fields, actor)
            store.execute(
                "UPDATE rows SET created = ? WHERE system = ? AND object = ? AND remote_id = ?",
                [min(primary.created, other.created), SYSTEM, primary.object, number],
            )
            store.execute(
                "UPDATE history SET remote_id = ? WHERE system = ? AND object = ? AND remote_id = ?",
                [number, SYSTEM, primary.object, primary.remote_id],
            )
        else:
            winner = store.update(primary, fields, actor, asked={MERGED: fields[MERGED]})
        for loser in losers:
            _move_links(store, loser, winner.remote_id)
            _drop(store, loser)
            store.set_meta(f"merged:{loser.object}:{loser.remote_id}", winner.remote_id)
        after = store.get(SYSTEM, winner.object, winner.remote_id) or winner
        ids = (primary.remote_id, [other.remote_id])
        store.tell(Written("merge", after, {MERGED: ids}, actor, store.clock()))
        return after


def forget(store: Store, row: Stored, actor: Actor) -> None:
    """A privacy deletion: the record, its history and its links are gone, and no list has it."""
    with store.transaction():
        store.execute(
            "DELETE FROM history WHERE system = ? AND object = ? AND remote_id = ?",
            [SYSTEM, row.object, row.remote_id],
        )
        store.execute(
            "DELETE FROM associations WHERE (from_type = ? AND from_id = ?) OR (to_type = ? AND to_id = ?)",
            [row.object, row.remote_id, row.object, row.remote_id],
        )
        _drop(store, row)
        store.tell(Written("forget", row, {}, actor, store.clock()))


def restore(store: Store, row: Stored, actor: Actor) -> None:
    """An archived record comes back under its id, as somebody does it in HubSpot's recycling bin."""
    if row.deleted:
        store.set_deleted(row, False, actor)


def _move_links(store: Store, loser: Stored, winner_id: str) -> None:
    place = [winner_id, loser.object, loser.remote_id]
    store.execute("UPDATE OR IGNORE associations SET from_id = ? WHERE from_type = ? AND from_id = ?", place)
    store.execute("UPDATE OR IGNORE associations SET to_id = ? WHERE to_type = ? AND to_id = ?", place)
    store.execute(
        "DELETE FROM associations WHERE (from_type = ? AND from_id = ?) OR (to_type = ? AND to_id = ?)",
        [loser.object, loser.remote_id, loser.object, loser.remote_id],
    )


def _drop(store: Store, row: Stored) -> None:
    store.execute("DELETE FROM rows WHERE seq = ?", [row.seq])
