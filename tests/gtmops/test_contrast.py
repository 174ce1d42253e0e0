"""WCAG AA of the colours in assets/css/tokens.css: text 4.5:1 on what it stands on, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "assets/css/tokens.css").read_text()
STATES = ("ok", "soon", "late", "info", "neutral")


def colours(selector: str) -> dict[str, str]:
    block = TOKENS.split(f'[data-bs-theme="{selector}"] {{', 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT = [
    (text, ground)
    for text in ("gt-ink", "gt-ink-2", "gt-muted", "gt-link", *(f"gt-{state}" for state in STATES))
    for ground in ("gt-page", "gt-card", "gt-sunk")
]
TEXT += [(f"gt-{state}", f"gt-{state}-soft") for state in STATES]
TEXT += [("gt-ink", f"gt-{state}-soft") for state in STATES]
TEXT += [("gt-act-text", "gt-act"), ("gt-muted", "gt-info-soft"), ("tone-closed-text", "tone-closed")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT)
def test_text_can_be_read_on_its_ground(theme: str, text: str, ground: str) -> None:
    found = colours(theme)
    assert contrast(found[text], found[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "tone", re.findall(r"\.tone-(\w+) \{ --tone: var\(--tone-\w+\); --tone-text: #", TOKENS)
)
def test_a_label_can_be_read_on_its_tone(theme: str, tone: str) -> None:
    rule = rf"\.tone-{tone} \{{[^}}]*--tone-text: (#[0-9a-f]{{6}})"
    dark = re.findall(r'\[data-bs-theme="dark"\] ' + rule, TOKENS)
    everywhere = re.findall(r"^" + rule, TOKENS, re.MULTILINE)
    text = dark[0] if theme == "dark" and dark else everywhere[0]
    assert contrast(text, colours(theme)[f"tone-{tone}"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("edge", ["gt-edge", "gt-act", "gt-ok-strong", "gt-soon-strong", "gt-late-strong"])
def test_an_edge_that_means_something_stands_out(theme: str, edge: str) -> None:
    found = colours(theme)
    assert contrast(found[edge], found["gt-card"]) >= 3
