"""What stands for signing in: the uploaded files of a connection that are still kept, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from integrations.csv.detecting import decode
from integrations.csv.mapping import FileMapping, parse_mapping
from integrations.csv.models import FileImport
from integrations.csv.reader import FileRecord, Reading, read_one
from integrations.errors import Misconfigured
from records.models import Connection

State = FileImport.State
USED = (State.CHECKED, State.RUNNING, State.DONE)


@dataclass
class Session:
    """``readings`` and ``files`` go with ``imports``, oldest first."""

    imports: list[FileImport]
    files: list[FileMapping] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def records(self, remote_object: str) -> list[tuple[FileImport, FileRecord]]:
        """What each file says of each record of one kind, older files first."""
        return [
            (row, record)
            for row, reading in zip(self.imports, self.readings, strict=True)
            for record in reading.records.values()
            if record.remote_object == remote_object
        ]


def open_session(connection: Connection) -> Session:
    """Raises Misconfigured when nothing was uploaded, or nothing of it is kept any more."""
    rows = FileImport.objects.filter(connection=connection, content__isnull=False, state__in=USED)
    imports = list(rows.order_by("uploaded_at", "pk"))
    if not imports:
        raise Misconfigured("This connection has no files. Import one: it is kept for some days.")
    return Session(imports, *_read(imports))


def _read(imports: Iterable[FileImport]) -> tuple[list[FileMapping], list[Reading]]:
    files, readings = [], []
    for row in imports:
        mapping, reading = read_import(row)
        files.append(mapping)
        readings.append(reading)
    return files, readings


def mapping_of(row: FileImport) -> FileMapping:
    return parse_mapping(row.mapping).files[0]


def read_import(row: FileImport, beat: Callable[[], object] = lambda: None) -> tuple[FileMapping, Reading]:
    """The file read by its mapping, bad lines left out and named. Raises NotATable, MappingError."""
    mapping = mapping_of(row)
    text = decode(row.data(), row.encoding)
    return mapping, read_one(mapping, row.file_name, text, read_at=row.uploaded_at, beat=beat)
