"""The mappings in docs/examples can be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from integrations.csv.mapping import load_mapping

EXAMPLES = sorted(Path(settings.BASE_DIR, "docs", "examples").glob("*-mapping.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_can_be_meant(path: Path) -> None:
    assert all(record.history for file in load_mapping(path).files for record in file.records)
