"""What the pages of an import take from a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from integrations.csv.detecting import ENCODINGS, SEPARATORS
from integrations.csv.drafting import DATED, Draft
from integrations.csv.guessing import LOG_ONLY, ROLES, Choice, plain
from integrations.csv.profile import Column

_LONGEST = 120


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        help_text="CSV, with the names of the columns in its first line. Gzipped is fine.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.gz,text/csv"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        most = settings.GTMOPS.import_max_bytes
        if (file.size or 0) > most:
            raise forms.ValidationError(
                f"The file is longer than {most // 1_000_000} MB. Split it, or send it gzipped."
            )
        return file


class LettersForm(forms.Form):
    encoding = forms.ChoiceField(choices=list(ENCODINGS.items()))
    separator = forms.ChoiceField(
        choices=[(key or " ", words) for key, words in SEPARATORS.items()], required=False
    )


def read_draft(
    posted: Mapping[str, str], old: Draft, columns: Sequence[Column], fresh: Sequence[Choice]
) -> Draft:
    """What the page of columns sent; what it left open is filled in as it was guessed."""

    def text(name: str, default: str = "") -> str:
        return str(posted.get(name, default)).strip()[:_LONGEST]

    is_log = text("rows") == "events"
    chosen = [
        _choice(n, column, fresh[n], before, posted, is_log=is_log)
        for n, (column, before) in enumerate(zip(columns, old.columns, strict=True))
    ]
    return replace(
        old,
        connection=text("connection"),
        source=text("source"),
        object=text("object", old.object),
        remote_object=text("remote_object"),
        is_log=is_log,
        zone=text("zone"),
        only_column=text("only_column") if is_log else "",
        only_value=text("only_value") if is_log else "",
        takes_undated=bool(posted.get("undated")),
        columns=tuple(chosen),
    )


def _choice(
    n: int, column: Column, guessed: Choice, before: Choice, posted: Mapping[str, str], *, is_log: bool
) -> Choice:
    def sent(name: str, default: str = "") -> str:
        return str(posted.get(f"c{n}-{name}", default)).strip()[:_LONGEST]

    role = sent("role")
    if role not in ROLES or (role in LOG_ONLY and not is_log):
        role = ""
    is_new = role != before.role or f"c{n}-seen" not in posted
    way = sent("way") or (column.ways[0] if column.ways else "iso" if role in DATED else "")
    field = sent("field") if not is_new else _field_of(role, column, guessed)
    return Choice(
        role=role,
        field=field,
        type=sent("type") or (guessed.type if guessed.role == "field" else column.kind),
        way=way,
        decimal=sent("decimal", column.decimal),
        value=sent("value") if not is_new else guessed.value,
        value_from=sent("value_from") if not is_new else guessed.value_from,
        to=sent("to"),
        is_personal=bool(posted.get(f"c{n}-personal")) if not is_new else guessed.is_personal,
    )


def _field_of(role: str, column: Column, guessed: Choice) -> str:
    if role in {"since", "what"}:
        return guessed.field if guessed.role == role else "stage"
    return guessed.field if guessed.role == role and guessed.field else plain(column.name)
