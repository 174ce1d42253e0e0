from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gtmops.up import DEFAULT_PORT, up


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gtmops", description="The operating model beside the CRMs."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser(
        "up", help="run everything here", description="Run everything here, in one foreground process."
    )
    one.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="of the pages; the demo's CRMs and mail take the next two",
    )
    one.add_argument("--no-demo", action="store_true", help="without the demo company and its stand-in CRMs")
    one.add_argument(
        "--data", type=Path, metavar="DIR", help="where everything is kept (default: var/ beside the code)"
    )
    given = parser.parse_args()
    if not 0 < given.port < 65534:
        one.error(f"--port must lie between 1 and 65533, not {given.port}")
    data_dir = given.data or Path(
        os.environ.get("GTMOPS_DATA") or Path(__file__).resolve().parent.parent / "var"
    )
    return up(data_dir=data_dir.resolve(), port=given.port, demo=not given.no_demo)


if __name__ == "__main__":
    sys.exit(main())
