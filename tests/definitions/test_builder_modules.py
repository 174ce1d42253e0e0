"""The pure modules of the editor's script, by node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

TESTS = Path(__file__).parent / "builder"


def test_the_pure_modules_of_the_editor_do_what_their_tests_say() -> None:
    node = shutil.which("node")
    assert node, "Node.js 20 or newer builds the assets; put it on the path"
    files = sorted(str(path) for path in TESTS.glob("*.test.js"))
    assert files
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
