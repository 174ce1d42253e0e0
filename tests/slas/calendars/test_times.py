"""Times as people type them, and blocks that can't be."""

from __future__ import annotations

import pytest

from slas.calendars.times import Block, read_blocks, read_time, spilled


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("09:00", "09:00"), ("9", "09:00"), ("9:30", "09:30"), ("930", "09:30"), ("9.30", "09:30"), ("17h15", "17:15"),
        ("5pm", "17:00"), ("5:30 PM", "17:30"), ("12am", "00:00"), ("12 p.m.", "12:00"), ("24", "24:00"),
        ("24:00", "24:00"), ("0", "00:00"),
        ("24:01", None), ("25", None), ("9:60", None), ("13pm", None), ("noon", None), ("", None),
        ("٩", "09:00"), ("-1", None),
    ],
)  # fmt: skip
def test_a_time(typed: str, read: str | None) -> None:
    assert read_time(typed) == read


@pytest.mark.parametrize(
    ("begin", "end", "fault", "note"),
    [
        ("9", "17", "", ""),
        ("22:00", "6", "", "Over midnight: it ends at 06:00 on the next day."),
        ("18", "24", "", ""),
        ("9", "", "Say when it ends.", ""),
        ("", "17", "Say when it begins.", ""),
        ("9", "9", "It ends when it begins. A whole day is 00:00 to 24:00.", ""),
        ("24", "6", "Nothing begins at 24:00: write 00:00, on the next day.", ""),
        ("ab:cd", "17", "“ab:cd” is no time. Write it as 09:00; midnight at the end is 24:00.", ""),
    ],
)
def test_a_block(begin: str, end: str, fault: str, note: str) -> None:
    (block,) = read_blocks([begin], [end])
    assert (block.fault, block.note) == (fault, note)


def test_what_can_not_be_read_is_kept_as_it_was_typed() -> None:
    (block,) = read_blocks(["half nine"], ["17"])
    assert (block.begin, block.end) == ("half nine", "17")


def test_blank_blocks_are_left_out() -> None:
    assert read_blocks(["", "9", " "], ["", "12", ""]) == [Block("09:00", "12:00")]


def test_overlapping_blocks_are_named() -> None:
    told = read_blocks(["9", "11", "13"], ["12", "14", "15"])
    assert [b.fault for b in told] == ["", "It overlaps with 09:00 to 12:00.", ""]


def test_blocks_that_touch_do_not_overlap() -> None:
    assert not any(b.fault for b in read_blocks(["9", "12"], ["12", "17"]))


def test_a_night_shift_runs_into_the_next_morning_and_sunday_into_monday() -> None:
    week = {day: read_blocks([], []) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    week |= {"mon": read_blocks(["5"], ["9"]), "sun": read_blocks(["22"], ["6"])}
    assert spilled(week)["mon"][0].fault == "Sunday’s last block runs until 06:00 of this day."
    week["mon"] = read_blocks(["6"], ["9"])
    assert spilled(week)["mon"][0].fault == ""
