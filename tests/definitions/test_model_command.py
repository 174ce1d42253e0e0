from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from definitions.models import Version
from teams.models import Person

pytestmark = pytest.mark.django_db


def run(*args: object) -> str:
    out = StringIO()
    call_command("model", *map(str, args), stdout=out, stderr=out)
    return out.getvalue()


def test_check_says_that_all_is_well(starter: None, tmp_path: Path) -> None:
    run("export", tmp_path)
    assert "no faults" in run("check", tmp_path)


def test_faults_are_all_printed_and_end_with_exit_code_2(starter: None, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("stages:\n  a: {owner: nobody}\n  b: {owner: noone}\n", "utf-8")
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("model", "check", str(tmp_path), stdout=out, stderr=out)
    assert caught.value.code == 2
    assert out.getvalue().count("x.yaml:2: stages › a") == 4
    assert "x.yaml:3: stages › b › owner" in out.getvalue()


@pytest.mark.parametrize("act", ["check", "plan", "apply"])
def test_a_path_that_is_not_there_ends_with_exit_code_2(db: None, act: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(act, "/nowhere/at/all")
    assert caught.value.code == 2


def test_export_plan_apply_go_round(starter: None, tmp_path: Path) -> None:
    run("export", tmp_path / "model")
    assert "Nothing would change." in run("plan", tmp_path / "model")
    before = Version.objects.count()
    assert "unchanged" in run("apply", tmp_path / "model")
    assert Version.objects.count() == before


def test_one_file_holds_the_whole_model(starter: None, tmp_path: Path) -> None:
    run("export", tmp_path / "model.yaml")
    assert "Nothing would change." in run("plan", tmp_path / "model.yaml")


def test_force_needs_the_name_of_a_system_admin(starter: None, admin: Person, tmp_path: Path) -> None:
    run("export", tmp_path)
    with pytest.raises(CommandError, match="Say who forces it"):
        run("apply", tmp_path, "--force")
    Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")
    with pytest.raises(CommandError, match="Only a system admin"):
        run("apply", tmp_path, "--force", "--as", "dana@fernhill.example")
    with pytest.raises(CommandError, match=r"Nobody here.*ona@fernhill\.example"):
        run("apply", tmp_path, "--force", "--as", "who@fernhill.example")
    assert "unchanged" in run("apply", tmp_path, "--force", "--as", "ONA@fernhill.example")


@pytest.mark.parametrize("text", ["yesterday", "2026-09-01T00:00:00"])
def test_an_instant_without_meaning_is_refused(starter: None, tmp_path: Path, text: str) -> None:
    run("export", tmp_path)
    with pytest.raises(CommandError):
        run("apply", tmp_path, "--effective-from", text)
