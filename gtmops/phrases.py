"""Times, durations and numbers as people read them. Plain Python; `now` and the zone are passed in.

assets/js/phrases.js says the same in the browser; tests/gtmops/phrases.json holds the two to one table.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration_words(seconds: float) -> str:
    """ "20 s", "46 min", "2 h 10 min", "3 d 4 h"; the sign is dropped. Rounded down to the unit shown."""
    whole = abs(int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    days, hours = divmod(whole // HOUR, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def working_duration_words(seconds: float) -> str:
    """Working time that passed: "46 min", "2 h 10 min", "35 h"; hours never become days, whose length nobody knows."""
    hours, rest = divmod(abs(int(seconds)), HOUR)
    if not hours:
        return duration_words(rest)
    minutes = rest // MINUTE
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"


def business_duration_words(seconds: int) -> str:
    """Working time of a rule: "1 business hour", "30 business minutes", "1 h 30 min of business time"."""
    if seconds % HOUR == 0:
        count, unit = seconds // HOUR, "hour"
    elif seconds < HOUR and seconds % MINUTE == 0:
        count, unit = seconds // MINUTE, "minute"
    else:
        return f"{duration_words(seconds)} of business time"
    return f"{count} business {unit}{'' if count == 1 else 's'}"


def _day_words(moment: datetime, now: datetime) -> str:
    days = (moment.date() - now.date()).days
    clock = f"{moment:%H:%M}"
    if days == 0:
        return f"{clock} today"
    if days == 1:
        return f"tomorrow {clock}"
    if days == -1:
        return f"yesterday {clock}"
    if 1 < days < 7:
        return f"{moment:%a} {clock}"
    date = f"{moment.day} {moment:%b}"
    return date if moment.year == now.year else f"{date} {moment.year}"


def relative_words(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """ "20 s ago", "1 h 12 min ago", "3 d ago", "12 Nov"; ahead of now: "in 20 min", "tomorrow 11:00"."""
    seconds = int((now - moment).total_seconds())
    if seconds < 0:
        if -seconds < 6 * HOUR:
            return f"in {duration_words(seconds)}"
        return _day_words(moment.astimezone(zone), now.astimezone(zone))
    if seconds < 5:
        return "just now"
    if seconds < 4 * HOUR:
        return f"{duration_words(seconds)} ago"
    if seconds < DAY:
        return f"{seconds // HOUR} h ago"
    if seconds < 7 * DAY:
        return f"{seconds // DAY} d ago"
    return _day_words(moment.astimezone(zone), now.astimezone(zone))


def absolute_words(moment: datetime, zone: tzinfo) -> str:
    """ "Thu 12 Nov 2026, 15:35:08 CST" in the viewer's zone."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"


def due_words(due_at: datetime, now: datetime, zone: tzinfo) -> str:
    """What is left until `due_at`, or how late it is: "46 min left", "due tomorrow 11:00", "12 min late"."""
    left = int((due_at - now).total_seconds())
    if left <= 0:
        return "due now" if left > -MINUTE else f"{duration_words(left)} late"
    if left < 3 * HOUR:
        return f"{duration_words(left)} left"
    if left < 6 * HOUR:
        return f"{left // HOUR} h left"
    return f"due {_day_words(due_at.astimezone(zone), now.astimezone(zone))}"


def due_severity(due_at: datetime, now: datetime, *, soon_seconds: int) -> str:
    """ "late" from the due time on, "soon" in the last `soon_seconds` before it, else "ok"."""
    left = due_at - now
    if left <= timedelta(0):
        return "late"
    return "soon" if left <= timedelta(seconds=soon_seconds) else "ok"


def grouped(number: float | Decimal) -> str:
    """ "8,120"; decimals only where there are any, at most two."""
    return f"{number:,.2f}" if number != int(number) else f"{int(number):,}"


def share_words(share: float | None) -> str:
    """ "61%" of 0.61; a missing share is "–". Below 10% one decimal is kept: "3.1%"."""
    if share is None:
        return "–"
    percent = share * 100
    if 0 < percent < 10 and round(percent, 1) != int(percent):
        return f"{percent:.1f}%"
    return f"{percent:.0f}%"


def money_words(amount: float | Decimal, currency: str) -> str:
    """ "EUR 86k", "USD 4.82M", "EUR 950"; three figures are kept."""
    value = float(amount)
    sign, value = ("−", -value) if value < 0 else ("", value)
    if value >= 999_500:
        return f"{sign}{currency} {value / 1_000_000:.2f}M"
    if value >= 10_000:
        return f"{sign}{currency} {value / 1000:.0f}k"
    return f"{sign}{currency} {value:,.0f}"
