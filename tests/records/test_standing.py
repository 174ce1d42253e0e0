"""What is kept between batches is loaded anew as soon as its tables hold other rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from definitions.models import Version
from records import standing
from records.standing import Standing
from teams.models import Team

NOW = datetime(2026, 11, 9, 12, tzinfo=UTC)
loaded: list[str] = []


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    loaded.clear()
    standing.forget()
    yield
    standing.forget()


@standing.standing("teams_team")
def team_names() -> list[str]:
    loaded.append("teams")
    return sorted(Team.objects.values_list("name", flat=True))


@standing.standing("definitions_version", turns={"definitions_version": ("effective_from", "retired_at")})
def begun() -> list[str]:
    loaded.append("versions")
    return sorted(Version.objects.filter(effective_from__lte=timezone.now()).values_list("key", flat=True))


@standing.standing()
def doubled(words: tuple[str, ...]) -> list[str]:
    loaded.append("words")
    return [2 * word for word in words]


def test_it_is_loaded_once_while_nothing_changes(db: None) -> None:
    Team.objects.create(key="sdr", name="SDR")
    assert [Standing().get(team_names) for _ in range(3)] == [["SDR"]] * 3
    assert loaded == ["teams"]


@pytest.mark.parametrize("how", ["made", "changed", "changed past the models", "removed"])
def test_whatever_happens_to_a_row_is_seen(db: None, how: str) -> None:
    team = Team.objects.create(key="sdr", name="SDR")
    Standing().get(team_names)
    if how == "made":
        Team.objects.create(key="cs", name="CS")
    elif how == "changed":
        team.name = "SDR Austin"
        team.save()
    elif how == "changed past the models":
        Team.objects.update(name="Callers")
    else:
        team.delete()
    found = Standing().get(team_names)
    assert found == sorted(Team.objects.values_list("name", flat=True))
    assert loaded == ["teams", "teams"]


def test_what_was_rolled_back_is_not_kept(db: None) -> None:
    Team.objects.create(key="sdr", name="SDR")
    with transaction.atomic():
        at = Standing()
        Team.objects.update(name="Nobody")
        assert at.get(team_names) == ["Nobody"]
        transaction.set_rollback(True)
    assert Standing().get(team_names) == ["SDR"]


def test_a_row_alone_can_turn_with_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    Version.objects.create(
        section="stages", key="mql", number=1, body={}, state="signed", effective_from=NOW + timedelta(days=1)
    )
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    assert Standing().get(begun) == Standing().get(begun) == []
    monkeypatch.setattr(timezone, "now", lambda: NOW + timedelta(days=2))
    assert Standing().get(begun) == ["mql"]
    assert loaded == ["versions", "versions"]


def test_of_its_arguments_alone(db: None) -> None:
    words = ("a", "b")
    assert Standing().get(doubled, words) == Standing().get(doubled, words) == ["aa", "bb"]
    assert Standing().get(doubled, ("c",)) == ["cc"]
    assert loaded == ["words", "words"]
