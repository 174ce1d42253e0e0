from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core import signing

from slas.absences.ics import DEFAULT_WORDS, MAX_BYTES, FoundAbsence, Matching
from teams.absences import in_care_of, is_whole_days
from teams.models import Absence, Person, Team

WHOLE, HOURS = "days", "hours"
MOST_WORDS = 40
SALT = "slas.absences.file"


class DateInput(forms.DateInput):
    input_type = "date"


class WallField(forms.CharField):
    """A day and time by somebody's clock, without a zone: whose it is the form says, not the viewer's."""

    widget = forms.TextInput(attrs={"type": "datetime-local"})

    def prepare_value(self, value: Any) -> Any:
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else value

    def to_python(self, value: Any) -> datetime | None:  # type: ignore[override]  # a text that is a time
        if value in self.empty_values:
            return None
        try:
            found = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise forms.ValidationError("Write the day and time as in 2026-09-01 08:00.") from None
        return found.replace(tzinfo=None, second=0, microsecond=0)


def sign_found(absences: Sequence[FoundAbsence]) -> str:
    """Times that may go through a browser and come back as they were."""
    rows = [(a.begin.isoformat(), a.end.isoformat(), a.person_id, a.key) for a in absences]
    return signing.dumps(rows, salt=SALT, compress=True)


def _covers(viewer: Person) -> Any:
    return Person.objects.active().visible_to(viewer).order_by("name")


class AbsenceForm(forms.Form):
    """One absence. Whole days and hours are those of whoever is away, wherever the writer sits."""

    KINDS: ClassVar = [(WHOLE, "Whole days"), (HOURS, "From one hour to another")]

    person = forms.ModelChoiceField(Person.objects.none(), label="Who", empty_label=None)
    kind = forms.ChoiceField(label="How long", choices=KINDS, initial=WHOLE, widget=forms.RadioSelect)
    first_day = forms.DateField(label="First day", required=False, widget=DateInput(format="%Y-%m-%d"))
    last_day = forms.DateField(label="Last day", required=False, widget=DateInput(format="%Y-%m-%d"))
    starts = WallField(label="From", required=False)
    ends = WallField(label="To", required=False)
    cover = forms.ModelChoiceField(
        Person.objects.none(),
        label="Who covers",
        required=False,
        empty_label="Nobody: clocks wait",
        help_text="The clocks are theirs for this time, by their hours.",
    )

    def __init__(self, *args: Any, viewer: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._choose("person", in_care_of(viewer).order_by("name"))
        self._choose("cover", _covers(viewer))

    def _choose(self, name: str, queryset: Any) -> None:
        self.fields[name].queryset = queryset  # type: ignore[attr-defined]  # a model choice field

    @classmethod
    def of(cls, absence: Absence, viewer: Person) -> AbsenceForm:
        """Filled with an absence that shall change."""
        zone = absence.person.zone
        begin, end = absence.starts_at.astimezone(zone), absence.ends_at.astimezone(zone)
        whole = is_whole_days(absence, absence.person)
        initial: dict[str, Any] = {
            "person": absence.person_id,
            "cover": absence.cover_id,
            "kind": WHOLE if whole else HOURS,
        }
        if whole:
            initial |= {"first_day": begin.date(), "last_day": (end - timedelta(days=1)).date()}
        else:
            initial |= {"starts": begin.replace(tzinfo=None), "ends": end.replace(tzinfo=None)}
        return cls(initial=initial, viewer=viewer)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        whole = data.get("kind", WHOLE) == WHOLE
        first, last = ("first_day", "last_day") if whole else ("starts", "ends")
        if not data.get(first) and first not in self.errors:
            self.add_error(first, "Say when it begins.")
        if whole and data.get(first) and not data.get(last) and last not in self.errors:
            data[last] = data[first]
        if not data.get(last) and last not in self.errors:
            self.add_error(last, "Say when it ends.")
        return data

    def span(self) -> tuple[datetime, datetime]:
        """(begin, end) in UTC, by the zone of the person; for a form that is valid."""
        data = self.cleaned_data
        zone = data["person"].zone
        if data["kind"] == WHOLE:
            return _midnight(data["first_day"], zone), _midnight(data["last_day"] + timedelta(days=1), zone)
        return data["starts"].replace(tzinfo=zone).astimezone(UTC), data["ends"].replace(
            tzinfo=zone
        ).astimezone(UTC)

    def place(self, faults: dict[str, str]) -> None:
        """Put what the service says beside the fields it is about."""
        whole = self.cleaned_data.get("kind") == WHOLE
        names = {
            "starts_at": "first_day" if whole else "starts",
            "ends_at": "last_day" if whole else "ends",
            "cover": "cover",
        }
        for name, text in faults.items():
            self.add_error(names.get(name), text)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


class FeedForm(forms.Form):
    """A calendar elsewhere, or a file of one."""

    whose = forms.ChoiceField(label="Whose")
    url = forms.CharField(
        label="Address of the calendar",
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "https://…"}
        ),
        help_text="The private address that ends in .ics. It is kept encrypted and never shown again.",
    )
    file = forms.FileField(
        label="Or a file (.ics)", required=False, help_text="Taken once. For a person, not for a team."
    )
    taken = forms.CharField(required=False, widget=forms.HiddenInput, max_length=200_000)
    words = forms.CharField(
        label="An entry counts when its title or category has one of these words",
        widget=forms.Textarea(attrs={"rows": 3}),
        initial=", ".join(DEFAULT_WORDS),
        help_text="Commas between them. Outlook’s “out of office” counts too; what is shown as free never does.",
    )
    takes_parts = forms.BooleanField(
        label="Parts of a day count, too",
        required=False,
        help_text="Otherwise whole days, and what lasts 24 hours or more.",
    )
    cover = forms.ModelChoiceField(
        Person.objects.none(), label="Who covers", required=False, empty_label="Nobody: clocks wait"
    )

    def __init__(self, *args: Any, viewer: Person, teams: list[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = list(in_care_of(viewer).order_by("name"))
        self._people = {f"person:{p.pk}": p for p in people}
        self._teams = {f"team:{t.pk}": t for t in teams}
        choices: list[Any] = [("People", [(key, p.name) for key, p in self._people.items()])]
        if teams:
            choices.append(("A team’s calendar", [(key, t.name) for key, t in self._teams.items()]))
        self.fields["whose"].choices = choices  # type: ignore[attr-defined]  # a choice field
        self.fields["whose"].initial = f"person:{viewer.pk}"
        self.fields["cover"].queryset = _covers(viewer)  # type: ignore[attr-defined]  # a model choice field

    def clean_words(self) -> list[str]:
        told = [
            " ".join(word.split())[:60] for word in self.cleaned_data["words"].replace("\n", ",").split(",")
        ]
        words = list(dict.fromkeys(word for word in told if word))[:MOST_WORDS]
        if not words:
            raise forms.ValidationError("Give at least one word.")
        if short := next((word for word in words if len(word) < 2), None):
            raise forms.ValidationError(f"“{short}” is too short to tell an absence by.")
        return words

    def clean_taken(self) -> list[FoundAbsence]:
        """What a file was seen to hold, an hour ago at most."""
        if not (told := self.cleaned_data["taken"]):
            return []
        try:
            rows = signing.loads(told, salt=SALT, max_age=3600)
        except signing.BadSignature:
            raise forms.ValidationError("That was too long ago. Choose the file again.") from None
        return [
            FoundAbsence(datetime.fromisoformat(begin), datetime.fromisoformat(end), person, key)
            for begin, end, person, key in rows
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file, url = data.get("file"), str(data.get("url") or "").strip()
        if not file and not url and not data.get("taken") and not {"url", "file"} & set(self.errors):
            self.add_error("url", "Give the address of a calendar, or a file.")
        if file and url:
            self.add_error("file", "Give an address or a file, not both.")
        if file and file.size > MAX_BYTES:
            self.add_error("file", f"It is larger than {MAX_BYTES // 1_000_000} MB.")
        if file and self.team is not None:
            self.add_error("file", "A file is taken for one person. A team’s calendar needs its address.")
        if (cover := data.get("cover")) is not None and cover == self.person:
            self.add_error("cover", "Nobody covers for themselves.")
        return data

    @property
    def person(self) -> Person | None:
        return self._people.get(self.cleaned_data.get("whose", ""))

    @property
    def team(self) -> Team | None:
        return self._teams.get(self.cleaned_data.get("whose", ""))

    @property
    def matching(self) -> Matching:
        return Matching(tuple(self.cleaned_data["words"]), bool(self.cleaned_data["takes_parts"]))
