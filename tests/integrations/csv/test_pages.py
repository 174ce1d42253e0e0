"""The story of an import in the browser: sent, mapped, looked at, taken in, with bad lines, a reload and a way back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from integrations.csv.models import FileImport
from integrations.csv.running import serve_imports
from records.models import CatalogueField, Connection, Event, Record
from teams.models import Person
from tests.integrations.csv.steps import NOW

pytestmark = pytest.mark.django_db

DEALS = (
    "Deal ID;Sales Agent;Deal Stage;Engage Date;Close Date;Close Value\r\n"
    "D1;Mara Lindqvist;Won;03/01/2026;05/02/2026;1.054,50\r\n"
    "D2;Ola Opsen;Engaging;04/01/2026;;\r\n"
    "D3;Ola Opsen;Lost;never;06/02/2026;0\r\n"
    ";Ola Opsen;Won;03/01/2026;05/02/2026;12\r\n"
)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(
        Person.objects.create(
            email="ops@fernhill.example", name="Ola Opsen", role="revops_admin", time_zone="Europe/Berlin"
        )
    )
    return client


def send(admin: Client, text: str | bytes, name: str = "deals.csv") -> Any:
    data = text if isinstance(text, bytes) else text.encode()
    return admin.post(reverse("integrations:imports"), {"file": SimpleUploadedFile(name, data)})


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, (response.status_code, response.headers)
    return str(response.content.decode())


def url(step: str, row: FileImport) -> str:
    return reverse(f"integrations:import_{step}", args=[row.pk])


def chosen(admin: Client, row: FileImport, **changed: str) -> Mapping[str, str]:
    """What the page of columns would send as it stands, with some of it changed."""
    context = admin.get(url("map", row)).context
    draft = context["draft"]
    sent = {
        "connection": draft.connection, "source": draft.source, "object": draft.object,
        "remote_object": draft.remote_object, "rows": "events" if draft.is_log else "records", "zone": draft.zone,
        "only_column": draft.only_column, "only_value": draft.only_value,
    }  # fmt: skip
    for line in context["lines"]:
        choice = line.choice
        sent |= {
            f"{line.key}-{name}": getattr(choice, name)
            for name in ("role", "field", "type", "way", "decimal", "value", "value_from", "to")
        }
        sent[f"{line.key}-seen"] = "1"
    return sent | changed


def test_a_file_with_bad_lines_goes_through_all_steps(admin: Client) -> None:
    answer = send(admin, DEALS)
    row = FileImport.objects.get()
    assert answer.url == url("map", row)
    text = page(admin.get(url("map", row)))
    assert "4 rows, 6 columns" in text
    assert "Saturday 3 January 2026" in text
    assert "1,054.5" in text

    missing = page(admin.post(url("map", row), {**chosen(admin, row), "do": "next"}, follow=True))
    assert "Say where the file comes from" in missing
    answer = admin.post(url("map", row), {**chosen(admin, row, source="Old CRM"), "do": "next"})
    assert answer.url == url("preview", row)
    assert "Reading all 4 rows" in page(admin.get(url("preview", row)))
    assert not Record.objects.exists()
    serve_imports(NOW)
    text = page(admin.get(url("preview", row)))
    assert "4 rows make 2 records and 3 dated events of the past" in text
    assert "Engage Date: &#x27;never&#x27; is not a time" in text
    assert "Deal ID: the id is empty" in text
    assert "Take in 2 records" in text
    assert not Record.objects.exists()

    answer = admin.post(url("preview", row))
    assert answer.url == url("result", row)
    assert "Being taken in" in page(admin.get(url("result", row)))
    serve_imports(NOW)
    text = page(admin.get(url("result", row)))
    assert "Taken in" in text
    assert "2 lines refused" in text
    won = Record.objects.get(remote_id="D1")
    assert won.values == {"stage": "Won", "amount": 1054.5, "owner": "Mara Lindqvist"}
    dated = Event.objects.filter(record=won, field="stage").order_by("occurred_at")
    assert [(e.new, e.occurred_at.isoformat()) for e in dated] == [
        ("Engaging", "2026-01-02T23:00:00+00:00"),
        ("Won", "2026-02-04T23:00:00+00:00"),
    ]
    connection = Connection.objects.get(name="old-crm")
    assert (connection.label, connection.kind, connection.go_live_at) == ("Old CRM", "csv", None)


def test_a_person_known_by_an_address_keeps_it_and_headers_keep_their_letters(admin: Client) -> None:
    text = "E-Mail;Größe;Имя;Фамилия;Seit\nj@haus.example;3;Юрий;Ким;02.03.2025\n"
    send(admin, text.encode(), "kunden.csv")
    row = FileImport.objects.get()
    shown = page(admin.get(url("map", row)))
    assert "It is kept as the e-mail address, too" in shown
    assert 'value="Größe"' in shown
    admin.post(url("map", row), {**chosen(admin, row, source="Kundenliste"), "do": "next"})
    assert "Kundenliste" in page(admin.get(reverse("integrations:imports")))
    serve_imports(NOW)
    admin.post(url("preview", row))
    serve_imports(NOW)
    record = Record.objects.get(remote_id="j@haus.example")
    assert record.values == {
        "email": "j@haus.example", "grosse": 3, "field_3": "Юрий", "field_4": "Ким"
    }  # fmt: skip
    labels = dict(CatalogueField.objects.filter(object="person").values_list("name", "label"))
    assert (labels["grosse"], labels["field_3"]) == ("Größe", "Имя")
    assert CatalogueField.objects.get(name="email").is_personal


def test_the_second_run_of_a_file_says_that_nothing_is_new(admin: Client) -> None:
    for _ in range(2):
        send(admin, "Deal ID;Engage Date;Deal Stage\nD1;03/31/2026;Engaging\n")
        row = FileImport.objects.order_by("-uploaded_at").first()
        assert row is not None
        admin.post(url("map", row), {**chosen(admin, row, source="Old CRM"), "do": "next"})
        serve_imports(NOW)
        ahead = page(admin.get(url("preview", row)))
        admin.post(url("preview", row))
        serve_imports(NOW)
        after = page(admin.get(url("result", row)))
    assert "Nothing would change: everything in it stands here already" in ahead
    assert "Nothing was new: everything in it stood here already" in after
    assert Record.objects.count() == 1


def test_the_refused_lines_can_be_mended_and_sent_again_and_the_mapping_is_remembered(admin: Client) -> None:
    send(admin, DEALS)
    row = FileImport.objects.get()
    admin.post(url("map", row), {**chosen(admin, row, source="Old CRM"), "do": "next"})
    serve_imports(NOW)
    admin.post(url("preview", row))
    serve_imports(NOW)
    told = admin.get(url("refused", row)).content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(told)))
    assert lines[0][:4] == ["Line", "Why", "Deal ID", "Sales Agent"]
    assert [line[0] for line in lines[1:]] == ["4", "5"]
    mended = [lines[0][2:], [*lines[1][2:5], "04/01/2026", *lines[1][6:]]]
    text = "".join(";".join(line) + "\n" for line in mended)
    before = set(Event.objects.values_list("pk", flat=True))

    send(admin, text, "deals mended.csv")
    again = FileImport.objects.exclude(pk=row.pk).get()
    assert "Chosen as for the last file of its kind." in page(admin.get(url("map", again)))
    admin.post(url("map", again), {**chosen(admin, again), "do": "next"})
    serve_imports(NOW)
    assert "Take in 1 record<" in page(admin.get(url("preview", again)))
    admin.post(url("preview", again))
    serve_imports(NOW)
    assert set(Record.objects.values_list("remote_id", flat=True)) == {"D1", "D2", "D3"}
    assert before < set(Event.objects.values_list("pk", flat=True))
    assert Connection.objects.filter(kind="csv").count() == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"  \n", "The file is empty."),
        ("a.csv", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "Excel workbook (.xls), whatever its name says"),
        ("a.csv", b"PK\x03\x04....xl/workbook.xml", "spreadsheet (.xlsx or .ods)"),
        ("a.csv", b"a,b\n\0\1\2", "This is not a text"),
        ("a.csv", b"<html><table>", "web page or XML"),
        ("a.csv.gz", b"\x1f\x8bnot gzip", "can&#x27;t be read"),
        ("a.csv", b"a,b\n", "names of columns and no rows"),
        ("a.csv", b"", "The file is empty."),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(
    admin: Client, name: str, data: bytes, words: str
) -> None:
    assert words in page(send(admin, data, name), 422)
    assert not FileImport.objects.exists()


def test_a_draft_is_kept_as_it_is_chosen_and_can_be_thrown_away(admin: Client) -> None:
    send(admin, DEALS)
    row = FileImport.objects.get()
    sent = {**chosen(admin, row, remote_object="old deals", source="Ledger"), "do": "look", "c5-role": ""}
    part = page(admin.post(url("map", row), sent, headers={"HX-Request": "true"}))
    assert "<html" not in part
    text = page(admin.get(url("map", row)))
    assert 'value="old deals"' in text
    assert 'value="Ledger"' in text
    admin.post(reverse("integrations:import_act", args=[row.pk, "cancel"]))
    assert not FileImport.objects.exists()
    assert not Record.objects.exists()


def test_wrong_letters_and_separators_can_be_chosen(admin: Client) -> None:
    send(admin, "id,name,created\nZ1,Jos\xe9,2026-01-01\n".encode("cp1252"))
    row = FileImport.objects.get()
    assert "Jos\xe9" in page(admin.get(url("map", row)))
    letters = {"do": "letters", "encoding": "cp1251", "separator": ","}
    assert "Josй" in page(admin.post(url("map", row), letters, follow=True))
    letters = {"do": "letters", "encoding": "utf-8", "separator": "\t"}
    assert "Line 2 can’t be read with these letters." in page(admin.post(url("map", row), letters), 422)
    letters = {"do": "letters", "encoding": "cp1252", "separator": "\t"}
    assert "1 row, 1 column" in page(admin.post(url("map", row), letters, follow=True))


def test_an_import_that_ended_has_no_way_back(admin: Client) -> None:
    send(admin, "id,name,created\nA,Acme,2026-01-01\n")
    row = FileImport.objects.get()
    admin.post(url("map", row), {**chosen(admin, row, source="Old CRM"), "do": "next"})
    serve_imports(NOW)
    admin.post(url("preview", row))
    serve_imports(NOW)
    for step in ("map", "preview"):
        assert admin.get(url(step, row)).url == url("result", row)
    assert "has to be looked at once more" in page(admin.post(url("preview", row), follow=True))
    admin.post(reverse("integrations:import_act", args=[row.pk, "cancel"]))
    assert FileImport.objects.get().state == "done"
    answer = admin.post(reverse("integrations:import_act", args=[row.pk, "again"]))
    assert FileImport.objects.filter(state="draft").count() == 1
    assert "/columns/" in answer.url


def test_nobody_but_an_administrator_sends_files(client: Client) -> None:
    client.force_login(Person.objects.create(email="rep@fernhill.example", name="Rea Post", role="rep"))
    assert client.get(reverse("integrations:imports")).status_code == 403
