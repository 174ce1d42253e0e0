from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import get_template
from django.test import RequestFactory
from django.utils import timezone

from gtmops.templatetags.gtmops_ui import Held, place_marks, place_stretches

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 12, 20, 0, tzinfo=UTC)


def rendered(source: str, **context: Any) -> str:
    return Template("{% load gtmops_ui %}" + source).render(Context(context))


def text_of(html: str) -> str:
    inside = html
    while "<" in inside:
        before, _, rest = inside.partition("<")
        inside = before + " " + rest.partition(">")[2]
    return " ".join(inside.split())


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("state", "context", "words", "severity"),
    [
        ("running", {"due": minutes(46)}, "46 min left", "soon"),
        ("running", {"due": minutes(120)}, "2 h left", "ok"),
        ("running", {"due": minutes(-12)}, "12 min late", "late"),
        ("running", {}, "No due time yet", "neutral"),
        ("breached", {"due": minutes(-40)}, "40 min late", "late"),
        ("breached", {"due": minutes(-40), "done": minutes(-30)}, "Done 10 min late", "late"),
        ("breached", {"due": minutes(-4000), "done": minutes(-30), "late": 600}, "Done 10 min late", "late"),
        ("met", {"due": minutes(40), "done": minutes(-3)}, "In time", "ok"),
        ("met", {"due": minutes(-40), "done": minutes(-30)}, "Done 10 min late", "late"),
        ("paused", {"due": minutes(46), "left": 2700}, "Paused, 45 min left", "neutral"),
        ("due", {"due": minutes(0)}, "Due now, checking", "soon"),
        ("breached_not_verified", {"due": minutes(-9)}, "Late, not verified", "late"),
        (
            "breached_not_verified",
            {"due": minutes(-40), "done": minutes(-30)},
            "10 min late, not verified",
            "late",
        ),
        ("withdrawn", {"due": minutes(-9)}, "In time after all", "ok"),
        ("cancelled", {}, "No longer needed", "neutral"),
        ("seen_late", {"due": minutes(-9)}, "Seen late", "neutral"),
        ("unknown", {}, "Can&#x27;t tell", "neutral"),
    ],
)
def test_a_due_chip_says_how_the_clock_stands(
    state: str, context: dict[str, Any], words: str, severity: str
) -> None:
    html = rendered(
        "{% due_chip state due finished_at=done left_seconds=left late_seconds=late now=now %}",
        **({"state": state, "due": None, "done": None, "left": None, "late": None, "now": NOW} | context),
    )
    assert text_of(html) == words
    assert f"gt-{severity}" in html
    assert '<i class="bi bi-' in html


def test_only_a_clock_that_is_open_counts_in_the_browser() -> None:
    source = "{% due_chip state due finished_at=done now=now %}"
    assert "data-due=" in rendered(source, state="running", due=minutes(5), done=None, now=NOW)
    assert "data-due=" in rendered(source, state="breached", due=minutes(-5), done=None, now=NOW)
    assert "data-due=" not in rendered(source, state="breached", due=minutes(-5), done=minutes(-1), now=NOW)
    assert "data-due=" not in rendered(source, state="met", due=minutes(5), done=minutes(-1), now=NOW)


def test_a_moment_is_relative_with_the_absolute_time_of_the_viewer_s_zone_on_hover() -> None:
    with timezone.override("America/Chicago"):
        html = rendered("{% relative_time at now=now %}", at=minutes(-14), now=NOW)
    assert text_of(html) == "14 min ago"
    assert 'datetime="2026-11-12T19:46:00+00:00"' in html
    assert 'title="Thu 12 Nov 2026, 13:46:00 CST"' in html
    assert rendered("{% relative_time at %}", at=None) == "never"


def test_what_people_wrote_is_escaped() -> None:
    html = rendered("{% person name detail=name %}{% pill name %}{% source name %}", name="<script>")
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("name", "initials"), [("Tomas Brandl", "TB"), ("Ana de Luca", "AL"), ("inbound", "I"), ("", "?")]
)
def test_a_person_has_initials(name: str, initials: str) -> None:
    assert f'aria-hidden="true">{initials}<' in rendered("{% person name %}", name=name)


HELD = [
    Held("Nobody", "slate", 5700, key="System", mark="17:10 owner set"),
    Held("Marketing", "sky", 1200),
    Held("SDR", "amber", 4500, mark="09:45 first call"),
    Held("SDR", "amber", 0),
]


def test_a_time_bar_shows_every_second_once() -> None:
    placed = place_stretches(HELD)
    assert [one.label for one in placed] == ["Nobody", "Marketing", "SDR"]
    assert placed[0].x == 0
    assert sum(one.width for one in placed) == pytest.approx(100, abs=0.01)
    for before, after in pairwise(placed):
        assert after.x == pytest.approx(before.x + before.width, abs=0.01)


def test_a_time_bar_says_who_had_it_and_the_sum() -> None:
    words = text_of(rendered("{% time_bar held start='15:35 became MQL' %}", held=HELD))
    for part in ("System 1 h 35 min", "Marketing 20 min", "SDR 1 h 15 min", "= 3 h 10 min from start to end"):
        assert part in words


def test_marks_under_a_time_bar_keep_their_distance() -> None:
    held = [
        Held("a", "slate", 10, mark="first"),
        Held("b", "sky", 2, mark="second"),
        Held("c", "amber", 10, mark="end"),
    ]
    assert [mark.text for mark in place_marks("start", held)] == ["start", "first", "end"]
    assert place_marks("", []) == []


def test_a_header_sorts_the_other_way_at_the_second_click() -> None:
    source = "{% sort_header 'Company' 'company' %}"
    up = rendered(source, request=RequestFactory().get("/?sort=company&page=3&region=emea"))
    assert 'aria-sort="ascending"' in up
    assert "sort=-company" in up
    assert "region=emea" in up
    assert "page=" not in up
    assert "sort=company" in rendered(source, request=RequestFactory().get("/"))


def test_paging_says_where_it_is_and_keeps_the_query() -> None:
    page = Paginator(range(8120), 50).page(2)
    html = rendered(
        "{% paging page noun='leads' %}", page=page, request=RequestFactory().get("/?region=emea&page=2")
    )
    assert "51–100 of 8,120 leads" in text_of(html)
    assert "region=emea&amp;page=1" in html
    assert "region=emea&amp;page=3" in html


@pytest.mark.parametrize(
    ("count", "number", "words"),
    [
        (1, 1, "1 person"),
        (4, 1, "1–3 of 4 people"),
        (5, 2, "4–4 of 4+ people; narrow the list to see the others"),
    ],
)
def test_paging_counts_in_words(count: int, number: int, words: str) -> None:
    paginator = Paginator(range(min(count, 4)), 3)
    paginator.is_capped = count > 4  # type: ignore[attr-defined]  # as CappedPaginator has it
    html = rendered(
        "{% paging page noun='people' one='person' %}",
        page=paginator.page(number),
        request=RequestFactory().get("/"),
    )
    assert text_of(html).startswith(words)


def test_an_empty_list_says_so() -> None:
    html = rendered(
        "{% paging page noun='leads' %}", page=Paginator([], 50).page(1), request=RequestFactory().get("/")
    )
    assert text_of(html) == "No leads"


def test_progress_is_a_sentence() -> None:
    assert text_of(rendered("{% progress 3 5 note='about 1 min' %}")) == "3 of 5 done · about 1 min"
    assert "aria-valuenow" not in rendered("{% progress 12 0 words='records read' %}")


def test_a_menu_item_that_changes_something_is_a_form() -> None:
    items = [
        {"text": "Snooze", "post": "/snooze/", "confirm": "Snooze it?"},
        {"text": "Open", "href": "/open/"},
    ]
    html = get_template("components/menu.html").render({"label": "More", "items": items})
    assert '<form method="post" action="/snooze/">' in html
    assert 'data-confirm="Snooze it?"' in html
    assert 'href="/open/"' in html


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "templates/components").glob("*.html")), ROOT / "templates/base.html"],
    ids=lambda path: path.name,
)
def test_a_part_keeps_to_the_strict_policy_and_says_its_context(path: Path) -> None:
    source = path.read_text()
    assert source.startswith(("{#", "{% comment %}"))
    assert " style=" not in source
    assert " onclick" not in source
    assert "hx-on" not in source
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("code", [400, 403, 404, 500])
def test_an_error_page_stands_without_the_frame(code: int) -> None:
    html = get_template(f"{code}.html").render({})
    assert "Go to My day" in html
    assert "{%" not in html
