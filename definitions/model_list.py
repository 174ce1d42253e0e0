"""The model as a list: what is in force, what is being written, what waits for somebody's word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from definitions.agreement.drafts import OPEN
from definitions.agreement.parties import signers, team_names
from definitions.agreement.signing import waiting_for
from definitions.bodies import DEFINITIONS
from definitions.in_force import TypedModel, load_typed_model
from definitions.judging.counting import Counts
from definitions.models import Judgement, Version
from definitions.sections import Section, Standing, sections
from definitions.triggers.bodies import TRIGGERS
from records.models import Record
from teams.models import Person

COUNTED = (DEFINITIONS, TRIGGERS)


@dataclass(frozen=True)
class Item:
    """One thing of the model. ``draft``: the version being written; ``version`` is the draft where none is in force."""

    section: str
    key: str
    title: str
    sentence: str
    owner: str
    agreed_by: str
    object: str
    version: Version
    is_in_force: bool
    draft: Version | None = None
    counts: Counts | None = None
    standing: Sequence[Standing] = ()


@dataclass(frozen=True)
class Group:
    section: Section
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ModelList:
    """``owners``: (key, name) of the teams that own something. ``total``: items before they were narrowed."""

    groups: tuple[Group, ...]
    waiting: tuple[Item, ...]
    owners: tuple[tuple[str, str], ...]
    total: int
    found: int


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to; empty texts don't narrow. ``state``: draft, proposed or none."""

    search: str = ""
    section: str = ""
    owner: str = ""
    state: str = ""

    @property
    def is_narrowed(self) -> bool:
        return self != Wanted()


def load_list(viewer: Person, wanted: Wanted, now: datetime) -> ModelList:
    """A constant number of queries, however large the model."""
    typed = load_typed_model()
    counts = count_judgements(viewer)
    teams = team_names()
    drafts: dict[str, dict[str, Version]] = defaultdict(dict)
    for draft in Version.objects.filter(state__in=OPEN).select_related("edited_by", "proposed_by"):
        drafts[draft.section][draft.key] = draft
    groups, total, owners = [], 0, set()
    for section in sections().values():
        held = typed.versions.in_force(section.name, now)
        fresh = {key: draft for key, draft in drafts[section.name].items() if key not in held}
        standing = section.standing(viewer, held, now) if held else {}
        found = [
            item_of(
                section, version, typed, teams, counts, is_in_force=key in held,
                draft=drafts[section.name].get(key), standing=standing.get(key, ()),
            )
            for key, version in sorted({**held, **fresh}.items(), key=lambda kv: (_order(kv[1]), kv[0]))
        ]  # fmt: skip
        total += len(found)
        owners |= {(str(i.version.body.get("owner")), i.owner) for i in found if i.owner}
        kept = tuple(item for item in found if _is_wanted(item, wanted))
        if kept:
            groups.append(Group(section, kept))
    by_name = {(i.section, i.key): i for group in groups for i in group.items}
    waiting = [by_name[name] for v in waiting_for(viewer, now) if (name := (v.section, v.key)) in by_name]
    return ModelList(
        tuple(groups), tuple(waiting), tuple(sorted(owners, key=lambda o: o[1])), total,
        sum(len(group.items) for group in groups),
    )  # fmt: skip


def item_of(
    section: Section,
    version: Version,
    typed: TypedModel,
    teams: Mapping[str, str],
    counts: Mapping[tuple[str, str], Counts],
    *,
    is_in_force: bool = True,
    draft: Version | None = None,
    standing: Sequence[Standing] = (),
) -> Item:
    """How a version is shown."""
    body = version.body
    return Item(
        section=section.name,
        key=version.key,
        title=section.title(body) or version.key,
        sentence=sentence_of(section, version, typed),
        owner=teams.get(str(body.get("owner")), str(body.get("owner") or "")),
        agreed_by=listed([teams.get(key, key) for key in signers(body)]) if body.get("agreed_by") else "",
        object=str(body.get("object") or "person"),
        version=version,
        is_in_force=is_in_force,
        draft=draft,
        counts=counts.get((section.name, version.key), Counts()) if section.name in COUNTED else None,
        standing=standing,
    )


def sentence_of(section: Section, version: Version, typed: TypedModel) -> str:
    """What it says, in one sentence; a draft may not say anything yet."""
    try:
        return section.sentence({"name": version.key, **version.body}, typed.catalogue)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        # Sections promise a sentence for bodies that parse; a half-written draft does not.
        return ""


def count_judgements(viewer: Person) -> Mapping[tuple[str, str], Counts]:
    """(section, key) -> current judgements of the records ``viewer`` may read. One query."""
    inside = Record.objects.for_person(viewer).present()
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    rows = Judgement.objects.filter(record__in=inside).order_by().values_list("section", "key", "state")
    for section, key, state, number in rows.annotate(number=Count("pk")):
        found[section, key][state] = number
    return {
        name: Counts(
            told.get("met", 0) + told.get("on_paper", 0) + told.get("waived", 0),
            told.get("missing", 0),
            told.get("unknown", 0),
        )
        for name, told in found.items()
    }


def listed(names: Sequence[str]) -> str:
    """ "A, B and C" """
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _order(version: Version) -> int:
    order = version.body.get("order")
    return order if isinstance(order, int) else 0


def _is_wanted(item: Item, wanted: Wanted) -> bool:
    if wanted.section and item.section != wanted.section:
        return False
    if wanted.owner and str(item.version.body.get("owner")) != wanted.owner:
        return False
    if wanted.state and (item.draft is None or item.draft.state != wanted.state):
        return False
    words = wanted.search.lower().split()
    text = f"{item.title} {item.key} {item.sentence} {item.version.body.get('short') or ''}".lower()
    return all(word in text for word in words)
