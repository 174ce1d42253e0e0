"""CSV in: all or nothing, faults with file and line, the same again changes nothing."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Run
from records.models import Event, OwnerMatch, Record

pytestmark = pytest.mark.django_db

MAPPING = """
files:
  - match: "leads*"
    records:
      - object: person
        remote_object: leads
        id: id
        created: {column: first, format: "%Y-%m-%d", tz: America/Sao_Paulo}
        fields:
          source: {column: origin, type: picklist}
          size: {column: size, type: number}
        history:
          - {field: stage, value: mql, at: {column: first, format: "%Y-%m-%d", tz: America/Sao_Paulo}}
  - match: "wins*"
    records:
      - object: deal
        remote_object: deals
        id: id
        created: {column: won, format: "%Y-%m-%d %H:%M"}
        owners:
          sdr: {column: sdr, label: SDR}
          owner: {column: rep, label: Sales rep}
        history:
          - {field: stage, value: won, at: {column: won, format: "%Y-%m-%d %H:%M"}}
        links:
          - {column: id, to: leads}
"""
LEADS = "id,first,origin,size\na1,2018-02-01,social,5\na2,2018-02-02,,\n"
WINS = "id;won;sdr;rep\na1;2018-02-26 19:58;s1;r1\n"


@pytest.fixture
def run_import(tmp_path: Path) -> Any:
    def run(files: dict[str, str | bytes], mapping: str = MAPPING) -> None:
        (tmp_path / "mapping.yaml").write_text(mapping)
        for name, text in files.items():
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        paths = [str(tmp_path / name) for name in files]
        call_command("import_csv", *paths, connection="files", mapping=tmp_path / "mapping.yaml", verbosity=0)

    return run


def test_rows_become_records_with_dated_history_owners_and_links(run_import: Any) -> None:
    run_import({"leads.csv": LEADS, "wins.csv": WINS})
    lead = Record.objects.get(remote_object="leads", remote_id="a1")
    assert lead.values == {"source": "social", "size": 5, "stage": "mql"}
    entry = Event.objects.get(record=lead, field="stage")
    assert entry.occurred_at == datetime(2018, 2, 1, 2, tzinfo=UTC)
    assert Record.objects.get(remote_id="a2", remote_object="leads").values["source"] is None
    deal = Record.objects.get(object="deal")
    assert deal.values == {"sdr": "s1", "owner": "r1", "stage": "won"}
    assert "id:files:leads:a1" in deal.link_keys.values_list("key", flat=True)
    assert set(OwnerMatch.objects.values_list("remote_id", "name")) == {
        ("s1", "SDR s1"),
        ("r1", "Sales rep r1"),
    }
    run = Run.objects.get()
    assert (run.kind, run.state, run.done, run.counts["created"]) == ("import", "done", 3, 3)


def test_the_same_files_again_change_nothing_in_any_order(run_import: Any) -> None:
    run_import({"leads.csv": LEADS, "wins.csv": WINS})
    before = list(Event.objects.order_by("pk").values_list("pk", flat=True))
    run_import({"wins.csv": WINS})
    run_import({"leads.csv.gz": gzip.compress(b"\xef\xbb\xbf" + LEADS.replace("\n", "\r\n").encode())})
    assert list(Event.objects.order_by("pk").values_list("pk", flat=True)) == before
    assert Run.objects.first().counts["unchanged"] == 2  # type: ignore[union-attr]  # there are three


def test_a_changed_cell_is_one_change(run_import: Any) -> None:
    run_import({"leads.csv": LEADS})
    run_import({"leads.csv": LEADS.replace("social", "email")})
    change = Event.objects.get(kind="change", field="source")
    assert (change.old, change.new) == ("social", "email")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("id,first,origin,size\na1,01/02/2018,social,5\n", "line 2, column first: '01/02/2018' is not a time"),
        ("id,first,origin,size\na1,2018-02-01,social\n", "leads.csv line 2: 3 cells where the header has 4"),
        ("id,first,origin,size\na1,2018-02-01,x,5\na1,2018-02-01,x,5\n", "line 3, column id: a1 stands on line 2"),
        ("id,first,origin,size\n,2018-02-01,x,5\n", "line 2, column id: the id is empty"),
        ("id,first,origin,size\na1,2018-02-01,x,many\n", "line 2, column size: not a number"),
        ("id,first,origin\na1,2018-02-01,x\n", "there is no column size; the file has id, first, origin"),
        ("", "the file is empty"),
        ("id,first,origin,size\n\"a\nb\",2018-02-01,x,5\nc,never,x,5\n", "line 4, column first"),
        ("id,first,origin,size\na1,2018-02-01,Caf\xe9,5\n".encode("cp1252"), "line 2: the file is not utf-8; set"),
        (b"\x1f\x8bnot gzip", "can't be read"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line_and_nothing_is_imported(
    run_import: Any, file: str | bytes, text: str
) -> None:
    with pytest.raises(CommandError) as error:
        run_import({"wins.csv": WINS, "leads.csv": file})
    assert text in str(error.value)
    assert "nothing was imported" in str(error.value)
    assert not Record.objects.exists()


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ("files: []", "files: name at least one"),
        ("files: [{match: x, records: [{object: person}]}]", "files[0].records[0]: remote_object is missing"),
        ("files: [{match: x, rows: []}]", "unknown keys rows"),
        (MAPPING.replace("America/Sao_Paulo", "Mars/Base"), "'Mars/Base' is not a time zone"),
        (MAPPING.replace("type: number", "type: nombre"), "fields.size.type: 'nombre' is not one of"),
        (MAPPING.replace('"leads*"', '"others*"'), "the mapping has no file that matches it"),
        ("files: [", "mapping.yaml"),
    ],
)
def test_a_mapping_that_cannot_be_meant_says_where(run_import: Any, mapping: str, text: str) -> None:
    with pytest.raises(CommandError) as error:
        run_import({"leads.csv": LEADS}, mapping)
    assert text in str(error.value)


def test_files_do_not_go_into_a_crms_connection(run_import: Any) -> None:
    from records.models import Connection

    Connection.objects.create(name="files", label="x", kind="hubspot")
    with pytest.raises(CommandError, match="one of their own"):
        run_import({"leads.csv": LEADS})
