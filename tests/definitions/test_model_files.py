from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied

from definitions.files.model_files import (
    ModelFaults,
    ModelTree,
    apply,
    check,
    export,
    load,
    plan,
)
from definitions.files.starter import STARTER_MODEL, load_starter_model, prepare
from definitions.models import Signature, Version
from definitions.versions import load_model, version_at, versions_in_force
from teams.models import Person, Team
from tests.definitions.conftest import LONG_AGO, NOW

pytestmark = pytest.mark.django_db
Write = Callable[[str, str], Path]

STAGE = """stages:
  lead:
    name: Lead
    order: 10
    owner: marketing
    sentence: Someone we know.
"""

TWICE = """definitions:
  x:
    name: X
    owner: sdr
    agreed_by: [sdr, sdr]
    object: person
    text: X.
    criteria: {field: fleet_sise, op: is_empty}
"""


def write_export(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in export(NOW).items():
        (folder / name).write_text(text, "utf-8")
    return folder


def starter_tree() -> ModelTree:
    return ModelTree(prepare(NOW).bodies)


def test_the_starter_model_has_no_faults_and_no_remarks(starter: None) -> None:
    checked = check(starter_tree(), NOW)
    assert (checked.faults, checked.remarks) == ((), ())


def test_the_starter_model_is_in_force_from_the_day_asked_for(starter: None) -> None:
    assert set(versions_in_force("definitions", LONG_AGO)) == {"mql", "mql_by_sales", "sql"}
    assert version_at("definitions", "mql", LONG_AGO - timedelta(seconds=1)) is None


def test_loading_the_starter_model_again_changes_nothing(starter: None) -> None:
    applied = load_starter_model(NOW)
    assert (applied.published, applied.retired, applied.drafted) == ((), (), ())


def test_a_starter_version_is_signed_as_forced_by_every_team(starter: None) -> None:
    signed = Signature.objects.filter(version__section="definitions", version__key="mql")
    assert {(s.team.key, s.is_forced) for s in signed} == {("marketing", True), ("sdr", True)}


@pytest.mark.parametrize("force", [False, True])
def test_export_then_apply_changes_nothing(starter: None, tmp_path: Path, force: bool) -> None:
    before = list(Version.objects.values())
    applied = apply(load(write_export(tmp_path / "model")), now=NOW, force=force)
    assert list(Version.objects.values()) == before
    assert applied.unchanged == len(before)
    assert plan(load(tmp_path / "model"), NOW) == []


def test_export_is_the_same_text_twice(starter: None) -> None:
    assert export(NOW) == export(NOW)


def test_an_open_draft_is_left_alone_by_export_and_apply(starter: None, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    apply(load(folder), now=NOW)
    before = list(Version.objects.values())
    apply(load(write_export(tmp_path / "again")), now=NOW)
    assert list(Version.objects.values()) == before


def test_a_change_opens_a_draft_that_is_not_in_force(starter: None, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    [draft] = apply(load(folder), now=NOW).drafted
    assert (draft.number, draft.state, draft.effective_from) == (2, "draft", None)
    assert versions_in_force("definitions", NOW)["mql"].number == 1


def test_applying_the_same_change_twice_opens_one_draft(starter: None, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    apply(load(folder), now=NOW)
    assert apply(load(folder), now=NOW).drafted == ()


def test_a_second_change_withdraws_the_first_draft(starter: None, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    apply(load(folder), now=NOW)
    changed(folder, "value: 20", "value: 30")
    apply(load(folder), now=NOW)
    states = Version.objects.filter(section="definitions", key="mql").values_list("number", "state")
    assert list(states) == [(1, "signed"), (2, "retired"), (3, "draft")]


def test_forcing_a_draft_puts_that_very_version_in_force(
    starter: None, admin: Person, tmp_path: Path
) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    [draft] = apply(load(folder), now=NOW).drafted
    later = NOW + timedelta(days=1)
    [published] = apply(load(folder), now=NOW, by=admin, force=True, effective_from=later).published
    assert published.pk == draft.pk
    assert version_at("definitions", "mql", NOW).number == 1  # type: ignore[union-attr]  # it is there
    assert version_at("definitions", "mql", later).number == 2  # type: ignore[union-attr]  # it is there


def test_only_a_system_admin_forces(starter: None, tmp_path: Path) -> None:
    rep = Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")
    with pytest.raises(PermissionDenied):
        apply(load(STARTER_MODEL), now=NOW, by=rep, force=True)


def test_the_past_of_what_was_in_force_is_not_changed(starter: None, admin: Person, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    with pytest.raises(ModelFaults, match="the past is not changed"):
        apply(load(folder), now=NOW, by=admin, force=True, effective_from=NOW - timedelta(days=1))
    assert Version.objects.filter(section="definitions", key="mql").count() == 1


def test_what_the_files_no_longer_name_is_retired_only_by_force(
    starter: None, admin: Person, tmp_path: Path
) -> None:
    folder = write_export(tmp_path / "model")
    text = (folder / "pipelines.yaml").read_text("utf-8")
    (folder / "pipelines.yaml").write_text(text.replace("new_business:", "renewal:"), "utf-8")
    rules = folder / "sla_rules.yaml"
    rules.write_text(rules.read_text("utf-8").replace("new_business/", "renewal/"), "utf-8")
    assert apply(load(folder), now=NOW).kept == ("pipelines/new_business",)
    assert apply(load(folder), now=NOW, by=admin, force=True).retired == ("pipelines/new_business",)
    model = load_model()
    assert set(model.in_force("pipelines", NOW)) == {"renewal", "expansion"}
    assert set(model.in_force("pipelines", NOW - timedelta(seconds=1))) == {"new_business", "expansion"}
    assert set(versions_in_force("pipelines", NOW)) == {"renewal", "expansion"}


def test_a_section_that_no_file_names_is_left_alone(starter: None, admin: Person, write_file: Write) -> None:
    folder = write_file("pipelines.yaml", export(NOW)["pipelines.yaml"])
    assert apply(load(folder), now=NOW, by=admin, force=True).retired == ()


def test_a_plan_says_in_words_what_changes(starter: None, tmp_path: Path) -> None:
    folder = write_export(tmp_path / "model")
    changed(folder, "value: 10", "value: 20")
    changed(
        folder, "field: content_downloads, op: at_least, value: 3", "field: content_downloads, op: is_empty"
    )
    [change] = plan(load(folder), NOW)
    assert str(change) == (
        "changed: definitions/mql “Marketing qualified lead”\n"
        "    Fleet size is at least 10 → 20\n"
        "    Content downloads is at least 3 → empty"
    )


def test_faults_forbid_applying_anything(starter: None, write_file: Write) -> None:
    before = Version.objects.count()
    with pytest.raises(ModelFaults):
        apply(load(write_file("s.yaml", STAGE.replace("marketing", "markting"))), now=NOW)
    assert Version.objects.count() == before


def test_the_history_of_a_version_is_kept(starter: None) -> None:
    from django.apps import apps

    events = apps.get_model("definitions", "VersionEvent").objects.filter(section="definitions", key="mql")
    assert list(events.values_list("pgh_label", flat=True)) == ["insert"]


@pytest.mark.parametrize(
    ("file", "text", "line", "said"),
    [
        (
            "s.yaml",
            STAGE.replace("marketing", "markting"),
            5,
            "there is no team “markting”; did you mean “marketing”?",
        ),
        ("s.yaml", STAGE.replace("order: 10", "order: ten"), 4, "“order” must be a whole number, 0 or more"),
        ("s.yaml", STAGE.replace("    sentence: Someone we know.\n", ""), 2, "“sentence” is missing; add it"),
        ("s.yaml", STAGE + "    colour: red\n", 7, "there is no key “colour”"),
        ("s.yaml", STAGE + "    definition: mpl\n", 7, "there is no definition “mpl”; did you mean “mql”?"),
        (
            "s.yaml",
            STAGE + "    claimed_when: {connection: hubspot, object: persn, field: x, values: [a]}\n",
            7,
            "there is no object “persn”; did you mean “person”?",
        ),
        (
            "s.yaml",
            STAGE
            + "    claimed_when:\n      connection: hubspot\n      object: person\n      field: x\n      values: [a]\n",
            10,
            "there is no field of a person “x”",
        ),
        (
            "s.yaml",
            STAGE + STAGE.partition("\n")[2].replace("lead:", "other:"),
            4,
            "stage “other” has the order 10 too",
        ),
        ("s.yaml", "stages:\n  Lead stage: {}\n", 2, "a key has letters of a to z"),
        ("s.yaml", "stages:\n  lead: 5\n", 2, "write its “name: value” lines below the key"),
        ("s.yaml", "stage:\n  lead: {}\n", 2, "there is no section “stage”; did you mean “stages”?"),
        (
            "d.yaml",
            TWICE,
            5,
            "team “sdr” stands here twice; remove one",
        ),
    ],
)
def test_a_fault_names_file_line_and_remedy(
    starter: None, write_file: Write, file: str, text: str, line: int, said: str
) -> None:
    fault = check(load(write_file(file, text)), NOW).faults[0]
    assert (fault.file, fault.line) == (file, line)
    assert said in fault.text


def test_a_fault_in_a_condition_points_at_its_line(starter: None, write_file: Write) -> None:
    text = export(NOW)["definitions.yaml"].replace("field: content_downloads", "field: content_downlods")
    [fault] = check(load(write_file("d.yaml", text)), NOW).faults
    assert text.splitlines()[fault.line - 1].strip().startswith("- {field: content_downlods")
    assert fault.path == ("criteria", "all", 1, "any", 2, "field")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", None),
        ("- a\n", "no_section"),
        ("stages: [a]\n", "no_keys"),
        ("stages:\n  lead: {}\n  lead: {}\n", "repeated"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(write_file: Write, text: str, code: str | None) -> None:
    folder = write_file("s.yaml", text)
    if code is None:
        assert load(folder).bodies == {}
        return
    with pytest.raises(ModelFaults) as caught:
        load(folder)
    assert caught.value.faults[0].code == code


def test_one_key_in_two_files_is_refused(write_file: Write) -> None:
    write_file("a.yaml", STAGE)
    with pytest.raises(ModelFaults, match=r"stands in a\.yaml too"):
        load(write_file("b.yaml", STAGE))


def test_values_no_picklist_has_are_remarked(starter: None, write_file: Write) -> None:
    from records.models import CatalogueField

    CatalogueField.objects.filter(name="lifecycle_stage").update(options=["lead", "customer"])
    remarks = check(starter_tree(), NOW).remarks
    assert [(r.key, r.code) for r in remarks] == [("mql", "dead_value")]


def test_a_connection_nobody_made_is_remarked(catalogue: None, house_teams: dict[str, Team]) -> None:
    checked = check(starter_tree(), NOW)
    assert checked.faults == ()
    assert {r.code for r in checked.remarks} == {"unknown_connection"}


def changed(folder: Path, old: str, new: str) -> None:
    file = folder / "definitions.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
