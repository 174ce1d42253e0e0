"""``python -m integrations.standins``: the stand-ins without the product, hence quick to start."""

from __future__ import annotations

import argparse
import sys

from integrations.standins.command import StandinsError, add_arguments, run

parser = argparse.ArgumentParser(prog="python -m integrations.standins")
add_arguments(parser)
try:
    run(parser.parse_args())
except StandinsError as fault:
    sys.exit(f"standins: {fault}")
