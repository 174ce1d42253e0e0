"""The operating model as files: ``manage.py model check|plan|apply|export PATH``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from definitions.files.model_files import Applied, ModelFaults, apply, check, export, load, plan
from definitions.sections import Fault
from effects.tick import now_utc
from teams.models import Person, Role

EXIT_FAULTS = 2


class Command(BaseCommand):
    help = "Check, plan, apply or export the operating model as YAML files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["check", "plan", "apply", "export"])
        parser.add_argument("path", type=Path, help="A folder of YAML files, or one file.")
        parser.add_argument(
            "--force", action="store_true", help="Put it in force without the teams' agreement."
        )
        parser.add_argument("--as", dest="email", help="Who applies; --force needs a system admin.")
        parser.add_argument("--effective-from", help="ISO instant with offset, e.g. 2026-09-01T00:00:00Z.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = now_utc()
        try:
            if options["act"] == "export":
                self._export(options["path"], now)
            elif options["act"] == "check":
                self._check(options["path"], now)
            elif options["act"] == "plan":
                self._plan(options["path"], now)
            else:
                self._apply(options, now)
        except ModelFaults as error:
            self._tell(error.faults, self.stderr.write)
            self.stderr.write(f"{_count(len(error.faults), 'fault')}; nothing was changed.")
            sys.exit(EXIT_FAULTS)
        except PermissionDenied as error:
            raise CommandError(str(error), returncode=EXIT_FAULTS) from error

    def _check(self, path: Path, now: datetime) -> None:
        tree = load(path)
        checked = check(tree, now, against_crms=True)
        self._tell((f"Remark: {remark}" for remark in checked.remarks), self.stdout.write)
        if checked.faults:
            raise ModelFaults(list(checked.faults))
        total = sum(len(items) for items in tree.bodies.values())
        self.stdout.write(
            f"{_count(total, 'item')} checked: no faults, {_count(len(checked.remarks), 'remark')}."
        )

    def _plan(self, path: Path, now: datetime) -> None:
        tree = load(path)
        faults = check(tree, now).faults
        if faults:
            raise ModelFaults(list(faults))
        changes = plan(tree, now)
        self._tell(changes, self.stdout.write)
        self.stdout.write(f"{_count(len(changes), 'change')}." if changes else "Nothing would change.")

    def _apply(self, options: dict[str, Any], now: datetime) -> None:
        by = _person(options["email"]) if options["email"] else None
        if options["force"] and by is None:
            raise CommandError("Say who forces it: --as EMAIL of a system admin.", returncode=EXIT_FAULTS)
        applied = apply(
            load(options["path"]),
            now=now,
            by=by,
            force=options["force"],
            effective_from=_instant(options["effective_from"]),
            note=f"model apply {options['path'].name}",
        )
        self._tell(_told(applied), self.stdout.write)

    def _export(self, path: Path, now: datetime) -> None:
        files = export(now)
        if path.suffix in {".yaml", ".yml"}:
            path.write_text("\n".join(files.values()), "utf-8")
        else:
            path.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (path / name).write_text(text, "utf-8")
        self.stdout.write(f"{_count(len(files), 'section')} written to {path}.")

    def _tell(self, lines: Iterable[Fault | object], write: Any) -> None:
        for line in lines:
            write(str(line))


def _told(applied: Applied) -> list[str]:
    lines = [f"Draft opened: {version}" for version in applied.drafted]
    lines += [
        f"In force from {version.effective_from:%Y-%m-%d %H:%M} UTC: {version}"
        for version in applied.published
    ]
    lines += [f"Retired: {name}" for name in applied.retired]
    lines += [
        f"Still in force, although no file names it (retire it with --force): {name}" for name in applied.kept
    ]
    return [*lines, f"{applied.unchanged} unchanged."]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _person(email: str) -> Person:
    person: Person | None = Person.objects.filter(email__iexact=email, is_active=True).first()
    if person is None:
        admins = ", ".join(
            Person.objects.active().filter(role=Role.SYSTEM_ADMIN).values_list("email", flat=True)[:5]
        )
        raise CommandError(
            f"Nobody here has the e-mail {email}; system admins: {admins}.", returncode=EXIT_FAULTS
        )
    return person


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"“{text}” is no ISO instant, e.g. 2026-09-01T00:00:00Z.", returncode=EXIT_FAULTS
        ) from error
    if found.tzinfo is None:
        raise CommandError("Add an offset to --effective-from, e.g. a Z for UTC.", returncode=EXIT_FAULTS)
    return found
