"""The second half of `make lint`: what no ready tool looks at. Touches no server.

`python -m tests.lint` says every fault and exits 1 when there is one.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from gtmops.tuning import Tuning

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# Written in pieces, so that this file doesn't find itself.
FORBIDDEN = {
    "a package registry's address": re.compile(
        r"https?://[^\s\"']*(registry\.npmjs|pypi\.org|files\.pythonhosted|registry\.yarn)",
        re.IGNORECASE,
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(home|Users|root|work)/[\w.-]+/?"),
    "an address with a password": re.compile(r"\w+://[^\s/:@{}$]+:[^\s/@{}$*]{6,}@[\w.-]+\.\w+"),
}
# A work folder that a container image makes for itself is not a path of this machine.
ALLOWED = re.compile(r"/home/(app|gtmops)\b")
WIDE_LOCK = re.compile(r"\bFOR UPDATE\b")
WHY_WIDE = re.compile(r"# whole: \w")
# A file sent row by row is read in a transaction and harms no spreadsheet; a long list is not counted to its end.
KEPT_PLACES = {
    "records/csv_files.py": (
        re.compile(r"\b(StreamingHttpResponse|FileResponse)\("),
        "answer with csv_streamed",
    ),
    "teams/paging.py": (re.compile(r"\bPaginator\("), "page with page_of"),
}
DELAYED = re.compile(r"\b(eta|countdown)\s*=|\.retry\(|\.apply_async\(")


def committed_files() -> list[Path]:
    """What git knows, or (in a copy without git) everything that is not made."""
    told = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode == 0:
        return [path for line in told.stdout.splitlines() if (path := ROOT / line).is_file()]
    made = {".venv", "node_modules", "var", "__pycache__", "dist", "staticfiles", ".git"}
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.relative_to(ROOT).parts)
    ]


def forbidden_text(files: list[Path]) -> Iterator[str]:
    for path in files:
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            for what, pattern in FORBIDDEN.items():
                if (hit := pattern.search(line)) and not ALLOWED.search(hit[0]):
                    yield f"{path.relative_to(ROOT)}:{number}: {what}: {hit[0]}"


def delayed_tasks(files: list[Path]) -> Iterator[str]:
    """Time finds what is due; a task that waits in Redis is lost with it, or runs again and again."""
    for path in files:
        if path.suffix == ".py" and "tests" not in path.relative_to(ROOT).parts:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if DELAYED.search(line):
                    where = f"{path.relative_to(ROOT)}:{number}"
                    yield f"{where}: no Celery eta, countdown, retry or apply_async: {line.strip()}"


def wide_locks(files: list[Path]) -> Iterator[str]:
    """FOR UPDATE keeps out whoever only writes a row that refers to the locked one, at their COMMIT, so two who do that
    crosswise end each other. Only who deletes a row or changes its key wants it, and says so behind the call."""
    for path in files:
        if path.suffix != ".py" or {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
            continue
        text = path.read_text()
        if "select_for_update" not in text and "FOR UPDATE" not in text:
            continue
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if _locks_wide(node) and not any(map(WHY_WIDE.search, lines[node.lineno - 1 : node.end_lineno])):
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield f"{where}: lock with no_key=True (FOR NO KEY UPDATE), or say “# whole: why” behind it"


def kept_places(files: list[Path]) -> Iterator[str]:
    """What one place knows how to do well, and all others ask it for."""
    for path in files:
        name = str(path.relative_to(ROOT))
        if path.suffix == ".py" and not name.startswith("tests/"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for place, (pattern, wanted) in KEPT_PLACES.items():
                    if name != place and pattern.search(line):
                        yield f"{name}:{number}: {wanted} of {place}"


def _locks_wide(node: ast.AST) -> TypeGuard[ast.Call | ast.Constant]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr == "select_for_update" and all(w.arg != "no_key" for w in node.keywords)
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WIDE_LOCK.search(node.value))
    )


def undocumented_variables(files: list[Path]) -> Iterator[str]:
    """A GTMOPS variable that compose or a page of docs names and nothing reads."""
    readers = (
        "gtmops/settings.py",
        "gtmops/embedded.py",
        "gtmops/up/environment.py",
        "gtmops/__main__.py",
        "teams/sso/configured.py",
    )
    known = set(re.findall(r"GTMOPS_[A-Z_]+", "".join((ROOT / name).read_text() for name in readers)))
    known |= {f"GTMOPS_{name.upper()}" for name in Tuning.__dataclass_fields__}
    known |= {"GTMOPS_CHROMIUM"}
    for path in files:
        if path.name in {"Dockerfile", "docker-compose.yml", "Makefile"} or path.suffix == ".md":
            for name in set(re.findall(r"GTMOPS_[A-Z_]+[A-Z]", path.read_text())) - known:
                yield f"{path.relative_to(ROOT)}: nothing reads {name}"


def run(title: str, command: list[str], **extra_env: str) -> Iterator[str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"NO_COLOR": "1"} | extra_env,
    )
    if done.returncode:
        yield f"{title}:\n{(done.stdout + done.stderr).strip()}"


def django_checks() -> Iterator[str]:
    manage = [sys.executable, "manage.py"]
    # The connection check for the state of migrations warns without a server; the comparison needs none.
    yield from run(
        "A migration is missing",
        [*manage, "makemigrations", "--check", "--dry-run", "-v", "1"],
        DJANGO_SETTINGS_MODULE="tests.settings",
        PYTHONWARNINGS="ignore::RuntimeWarning",
    )
    yield from run(
        "check --deploy with production settings",
        [*manage, "check", "--deploy", "--fail-level", "WARNING"],
        DJANGO_SETTINGS_MODULE="tests.settings",
        GTMOPS_HTTPS="1",
        GTMOPS_DEBUG="0",
    )
    yield from run(
        "The schema of the API",
        [*manage, "spectacular", "--fail-on-warn", "--validate", "--file", os.devnull],
        DJANGO_SETTINGS_MODULE="tests.settings",
    )


def template_checks(files: list[Path]) -> Iterator[str]:
    templates = [str(path) for path in files if path.suffix == ".html"]
    if templates:
        yield from run("djade", [str(BIN / "djade"), "--target-version", "5.2", "--check", *templates])
        yield from run("djlint", [str(BIN / "djlint"), "--quiet", "--lint", *templates])


def main() -> int:
    files = committed_files()
    faults = [
        *forbidden_text(files),
        *delayed_tasks(files),
        *wide_locks(files),
        *kept_places(files),
        *undocumented_variables(files),
        *template_checks(files),
        *django_checks(),
    ]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
