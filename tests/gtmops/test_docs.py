"""What README and docs/ say is held to the code: examples run, tables are complete, names exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve
from drf_spectacular.generators import SchemaGenerator
from ruamel.yaml import YAML

from definitions.criteria import FieldType
from definitions.criteria.moments import UNIT_MICROSECONDS
from definitions.criteria.operators import OPERATORS
from definitions.files.model_files import ModelFaults, check, load
from definitions.files.starter import STARTER_MODEL
from definitions.sections import sections
from gtmops.demo import demo_seed
from gtmops.health import registry
from gtmops.seeding import seed
from gtmops.tuning import Tuning
from gtmops.wiring import SOURCES
from handoffs.templates import FIELD_KINDS
from integrations.hubspot.connector import HubspotConnector
from integrations.models import WriteSwitch
from integrations.salesforce.connector import SalesforceConnector
from records.models import Connection
from records.own_fields import OWN_FIELDS
from slas import rules, steps, targets
from teams.sso.configured import VARIABLES as SIGN_ON_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
ROOMS = ("teams", "effects", "records", "definitions", "slas", "handoffs", "scorecards", "integrations")
NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(name: str, language: str) -> list[tuple[int, str]]:
    """(line, text) of each fenced block of a language."""
    text = text_of(name)
    return [
        (text.count("\n", 0, found.start()) + 1, found[2])
        for found in FENCE.finditer(text)
        if found[1] == language
    ]


def in_backticks(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", FENCE.sub("", text)))


def cells(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


# --- the operating model -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_every_example_of_the_model_page_passes_check(tmp_path: Path) -> None:
    seed(demo_seed("http://127.0.0.1:9", NOW), NOW)
    examples = blocks("operating-model.md", "yaml")
    said = []
    for line, text in examples:
        file = tmp_path / f"line-{line}.yaml"
        file.write_text(text, "utf-8")
        try:
            checked = check(load(file), NOW)
        except ModelFaults as error:
            said += [f"{line}: {fault}" for fault in error.faults]
        else:
            said += [f"{line}: {fault}" for fault in (*checked.faults, *checked.remarks)]

    assert said == []
    assert {next(iter(YAML(typ="safe").load(text))) for _, text in examples} == set(sections())


def test_the_model_page_has_a_chapter_for_every_section() -> None:
    chapters = set(re.findall(r"^## (\w+)$", text_of("operating-model.md"), re.MULTILINE))

    assert set(sections()) <= chapters


WORDS = {
    "operators": set(OPERATORS),
    "units of a window": set(UNIT_MICROSECONDS),
    "groups": {"all", "any", "not"},
    "starts of a clock": set(rules.STARTS),
    "stops of a clock": set(rules.STOPS),
    "targets of a clock": set(targets.TARGETS),
    "who is told": {*steps.TO, *steps.TO_NAMED},
    "how they are told": set(steps.BY),
    "when they are told": {"breached", *steps.MOMENTS},
    "evidence": set(rules.EVIDENCE),
    "kinds of form fields": set(FIELD_KINDS),
}


@pytest.mark.parametrize("subject", WORDS)
def test_every_word_the_model_files_may_use_is_on_the_model_page(subject: str) -> None:
    told = set(re.findall(r"\w+", " ".join(in_backticks(text_of("operating-model.md")))))

    assert WORDS[subject] - told == set()


def test_every_field_type_is_on_the_model_page() -> None:
    told = set(re.findall(r"\w+", text_of("operating-model.md")))

    assert {str(kind) for kind in FieldType} - told == set()


def test_every_key_of_the_starter_model_is_on_the_model_page() -> None:
    told = set(re.findall(r"\w+", " ".join(in_backticks(text_of("operating-model.md")))))
    used: set[str] = set()
    for file in sorted(STARTER_MODEL.glob("*.yaml")):
        for items in YAML(typ="safe").load(file.read_text("utf-8")).values():
            for body in items.values():
                used |= keys_of(body)

    assert used - told - {"field", "op", "value"} == set()


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


# --- the CRMs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "connector"),
    [("connect-salesforce.md", SalesforceConnector), ("connect-hubspot.md", HubspotConnector)],
)
def test_the_table_of_our_own_fields_is_what_the_code_creates(page: str, connector: Any) -> None:
    told = [row for row in cells(text_of(page)) if row[0].lower().startswith("`gtm_")]
    directions = {"out": "we write", "in": "we read"}

    assert told == [
        [f"`{connector.own_field_name(f)}`", f.label, f.type, directions[f.direction], f.help]
        for f in OWN_FIELDS
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "kind"), [("connect-salesforce.md", "salesforce"), ("connect-hubspot.md", "hubspot")]
)
def test_every_json_of_a_connection_can_be_seeded_one_after_the_other(page: str, kind: str) -> None:
    examples = blocks(page, "json")
    for _, text in examples:
        seed(json.loads(text), NOW)

    connection = Connection.objects.get(kind=kind)
    assert len(examples) >= 2
    assert connection.mappings.exists()
    assert connection.credential.method in text_of(page)
    assert connection.is_writing
    assert connection.go_live_at is not None
    assert WriteSwitch.objects.filter(connection=connection, is_on=True).exists()


# --- running it --------------------------------------------------------------------------------------------


def variables_told() -> dict[str, str]:
    return {
        row[0].strip("`"): row[1].strip("`")
        for row in cells(text_of("operations.md"))
        if re.fullmatch(r"`[A-Z_]+`", row[0])
    }


def test_every_variable_of_the_environment_is_in_the_table_and_no_other() -> None:
    read = {f"GTMOPS_{name.upper()}" for name in Tuning.__dataclass_fields__} | set(SIGN_ON_VARIABLES)
    for file in ("settings.py", "embedded.py"):
        source = (ROOT / "gtmops" / file).read_text("utf-8")
        read |= set(re.findall(r'(?:env\.\w+|need|os\.environ\.get)\(\s*"([A-Z_]+)"', source))

    assert set(variables_told()) == read


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    told = variables_told()
    defaults = {
        f"GTMOPS_{name.upper()}": f"{field.default:g}"
        if isinstance(field.default, float)
        else str(field.default)
        for name, field in Tuning.__dataclass_fields__.items()
    }

    assert {name: told[name] for name in defaults} == defaults


def test_a_variable_that_nothing_reads_is_said_to_have_no_effect() -> None:
    code = "".join(
        file.read_text("utf-8")
        for room in (*ROOMS, "gtmops")
        for file in (ROOT / room).rglob("*.py")
        if file.name != "tuning.py"
    )
    idle = {
        f"GTMOPS_{name.upper()}"
        for name in Tuning.__dataclass_fields__
        if not re.search(rf'(GTMOPS|tuning)\.{name}\b|"{name}"', code)
    }
    told = {
        row[0].strip("`") for row in cells(text_of("operations.md")) if row[-1].startswith("no effect yet")
    }

    assert told == idle


def test_every_number_a_probe_may_read_is_on_the_operations_page() -> None:
    assert set(registry.gauges) - in_backticks(text_of("operations.md")) == set()


def test_every_source_of_the_tick_is_on_the_architecture_page() -> None:
    told = in_backticks(text_of("architecture.md"))

    assert {source.name for source in SOURCES} - told == set()


# --- names that exist --------------------------------------------------------------------------------------


def commands_told() -> Iterator[tuple[str, str, list[str]]]:
    """(page, command, its options) of every `manage.py …` in the pages."""
    for page in PAGES:
        for name, rest in re.findall(r"manage\.py (\w+)([^`\n]*)", page.read_text("utf-8")):
            yield page.name, name, re.findall(r"(?<!\S)--[a-z-]+", rest)


def test_every_command_in_the_pages_exists_with_its_options() -> None:
    known = get_commands()
    wrong = []
    for page, name, options in commands_told():
        if name not in known:
            wrong.append(f"{page}: manage.py {name}")
            continue
        command = load_command_class(known[name], name)
        taken = command.create_parser("manage.py", name)._option_string_actions
        wrong += [f"{page}: manage.py {name} {option}" for option in options if option not in taken]

    assert wrong == []


def test_every_command_of_ours_is_in_some_page() -> None:
    ours = {n for n, app in get_commands().items() if str(app) in {"gtmops", *ROOMS}}

    assert ours - {name for _, name, _ in commands_told()} == set()


def test_every_make_target_in_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    told = {name for page in PAGES for name in re.findall(r"`make ([a-z]+)", page.read_text("utf-8"))}

    assert told - targets == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)", page.read_text("utf-8"))
        if not target.startswith(("http:", "https:"))
    ]

    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []


FILE = re.compile(r"(?:[\w.*-]+/)+[\w.*-]*")


def test_every_file_that_the_architecture_and_the_decisions_name_is_there() -> None:
    named = [
        (page.name, name)
        for page in (DOCS / "architecture.md", *sorted((DOCS / "decisions").glob("*.md")))
        for name in sorted(in_backticks(page.read_text("utf-8")))
        if FILE.fullmatch(name)
    ]

    assert [pair for pair in named if not any(ROOT.glob(pair[1].rstrip("/")))] == []


def test_every_fault_has_a_test_and_a_control_that_are_there() -> None:
    rows = [
        line.split("|")[1:-1] for line in text_of("operations.md").splitlines() if line.startswith("| FLT")
    ]
    told = {f"FLT{number}" for row in rows for number in re.findall(r"FLT(\d+)", row[0])}
    dead = []
    for fault, _, tests, controls in rows:
        for cell in (tests, controls):
            named = re.findall(r"`([\w/.]+)::(\w+)`", cell)
            dead += [] if named else [fault]
            for file, name in named:
                path = ROOT / file
                if not path.exists() or f"\ndef {name}(" not in path.read_text("utf-8"):
                    dead.append(f"{file}::{name}")

    assert dead == []
    assert {f"FLT{number}" for number in (5, *range(11, 22))} <= told


# --- the API -----------------------------------------------------------------------------------------------


def test_the_api_page_names_the_paths_of_the_schema_and_no_others() -> None:
    told = {
        re.sub(r"\{\w+\}", "{}", path)
        for path in re.findall(r"(/api/v1/[\w/{}-]*)", FENCE.sub("", text_of("api.md")))
        if path != "/api/v1/"
    }
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]

    assert told == {re.sub(r"\{\w+\}", "{}", path) for path in paths}, "bring docs/api.md up to date"


def test_every_address_that_the_examples_call_exists() -> None:
    dead = []
    for page in ("api.md", "operations.md"):
        for path in re.findall(r"127\.0\.0\.1:8000(/[\w/-]*)", text_of(page)):
            try:
                resolve(path)
            except Resolver404:
                dead.append(f"{page}: {path}")

    assert dead == []
