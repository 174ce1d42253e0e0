"""What can be wrong with a file: of its lines, with their numbers; of the whole file, as one of our four errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.errors import Misconfigured


@dataclass(frozen=True)
class Fault:
    """Why a line is refused. ``line`` is where its row begins; 0: the file as a whole."""

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.text}"


class ImportRefused(Exception):
    """Nothing was imported; ``faults`` say why, with file and line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults; nothing was imported")
        self.faults = faults


class NotATable(Misconfigured):
    """The file is no table of text; the words say what it is and what to do. ``line`` where it can be told."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line
