from __future__ import annotations

import zoneinfo
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from teams.access import ADMINS, business_units_of
from teams.models import ApiToken, Person, Role, Scope, Team
from teams.querysets import PersonQuerySet
from teams.scim.members import managed_fields
from teams.services import change_email, deactivate, move_to_team, team_at

if TYPE_CHECKING:
    _PersonForm = forms.ModelForm[Person]
    _TokenForm = forms.ModelForm[ApiToken]
else:  # generic only in the stubs
    _PersonForm = _TokenForm = forms.ModelForm


@cache
def zone_names() -> list[str]:
    return sorted(zoneinfo.available_timezones())


class ZoneInput(forms.TextInput):
    """A text field with the known time zones as suggestions; 600 options would be no choice at all."""

    template_name = "teams/widgets/zone_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"]["list"] = f"{context['widget']['attrs'].get('id', name)}-zones"
        return context | {"zones": zone_names()}


class PeopleFilter(forms.Form):
    """The list's filters, from the query string; what can't be read is ignored."""

    ACTIVE: ClassVar = [("", "Active"), ("no", "Not active"), ("all", "Everyone")]

    q = forms.CharField(label="Search", required=False)
    team = forms.ModelChoiceField(
        Team.objects.all(), to_field_name="key", required=False, empty_label="All teams"
    )
    role = forms.ChoiceField(choices=[("", "All roles"), *Role.choices], required=False)
    active = forms.ChoiceField(label="Show", choices=ACTIVE, required=False)

    def find(self, viewer: Person) -> PersonQuerySet:
        """The people a viewer may see, as they are filtered: those of a team together, whoever has none last."""
        self.is_valid()
        chosen = self.cleaned_data
        found: PersonQuerySet = Person.objects.visible_to(viewer).with_team_name().select_related("manager")
        if chosen.get("active") != "all":
            found = found.filter(is_active=chosen.get("active") != "no")
        if team := chosen.get("team"):
            found = found.in_team(team)
        if role := chosen.get("role"):
            found = found.filter(role=role)
        if text := chosen.get("q"):
            found = found.searched(text)
        return found.order_by(F("team_name").asc(nulls_last=True), "name", "email")

    def bar(self) -> list[dict[str, Any]]:
        """The choices, as components/filter_bar.html takes them."""
        return [
            {
                "name": name,
                "label": self[name].label,
                "value": self.data.get(name, ""),
                "choices": [(str(value), text) for value, text in self.fields[name].choices],  # type: ignore[attr-defined]  # choice fields all
            }
            for name in ("team", "role", "active")
        ]


def keep(form: forms.BaseForm, managed: frozenset[str]) -> None:
    """Show what an identity provider says, for nobody to change: a disabled field keeps what it has."""
    for name in managed & set(form.fields):
        form.fields[name].disabled = True
        form.fields[name].help_text = "Your identity provider says this."


class ProfileForm(_PersonForm):
    class Meta:
        model = Person
        fields = ("name", "time_zone", "theme")
        widgets: ClassVar = {"time_zone": ZoneInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep(self, managed_fields(self.instance))


class PersonForm(_PersonForm):
    """What an admin may say about someone.

    Nobody hands out what they don't have: business units outside the editor's own stay as they are, and only
    a system admin makes, changes or unmakes a system admin."""

    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="No team")

    class Meta:
        model = Person
        fields = (
            "name",
            "email",
            "job_title",
            "role",
            "manager",
            "business_units",
            "time_zone",
            "is_active",
        )
        widgets: ClassVar = {"time_zone": ZoneInput, "business_units": forms.CheckboxSelectMultiple}
        labels: ClassVar = {"is_active": "May sign in"}

    field_order = ("name", "email", "job_title", "role", "team", "manager")

    def __init__(self, *args: Any, editor: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.editor = editor
        self.units_in_reach = business_units_of(editor)
        self.was_active = bool(self.instance.pk) and self.instance.is_active
        self.old_email = self.instance.email
        if self.instance.pk:
            self.initial["team"] = team_at(self.instance, timezone.now())
        managers = Person.objects.active().visible_to(editor).exclude(pk=self.instance.pk)
        self._choose("manager", managers)
        self.managed = managed_fields(self.instance) if self.instance.pk else frozenset[str]()
        keep(self, self.managed)
        if "manager" in self.managed:
            self._choose("manager", Person.objects.filter(pk=self.instance.manager_id))
        self.fields["manager"].empty_label = "Nobody"  # type: ignore[attr-defined]  # a model choice field
        self._choose("business_units", self.units_in_reach)
        if editor.role != Role.SYSTEM_ADMIN:
            self.fields["role"].choices = [  # type: ignore[attr-defined]  # a choice field, by its model field
                choice for choice in Role.choices if choice[0] != Role.SYSTEM_ADMIN
            ]

    def _choose(self, field: str, queryset: Any) -> None:
        self.fields[field].queryset = queryset  # type: ignore[attr-defined]  # a model choice field

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk == self.editor.pk:
            if not data.get("is_active"):
                self.add_error("is_active", "You can't lock yourself out. Ask another admin.")
            if data.get("role") not in ADMINS:
                self.add_error("role", "You can't take your own rights. Ask another admin.")
        boss = data.get("manager") if "manager" not in self.managed else None
        if self.instance.pk and boss and boss.manager_id == self.instance.pk:
            self.add_error("manager", f"{boss} is managed by {self.instance}.")
        return data

    @transaction.atomic
    def save(self, commit: bool = True) -> Person:
        now = timezone.now()
        reached = set(self.units_in_reach)
        is_new = self.instance._state.adding
        if {"role", "team", "business_units"} & set(self.changed_data):
            self.instance.follows_groups = False
        kept = set() if is_new else set(self.instance.business_units.all()) - reached
        if is_new:
            self.instance.set_unusable_password()
        person = super().save(commit=False)
        email, person.email = person.email, self.old_email or person.email
        person.save()
        person.business_units.set([*self.cleaned_data["business_units"], *kept])
        if email != person.email:
            change_email(person, email)
        if "team" not in self.managed:
            move_to_team(person, self.cleaned_data["team"] if person.is_active else None, now)
        if self.was_active and not person.is_active:
            deactivate(person, now)
        return person


class TokenForm(_TokenForm):
    DAYS: ClassVar = [("30", "30 days"), ("90", "90 days"), ("365", "1 year")]

    days = forms.ChoiceField(label="Good for", choices=DAYS, initial="90")

    class Meta:
        model = ApiToken
        fields = ("name", "scope")
        help_texts: ClassVar = {"name": "What will use it, such as “Weekly export”."}

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields["scope"]
        scope.initial = Scope.READ
        if person.is_admin:
            scope.help_text = "“Provision people” is for your identity provider and opens nothing else."
        else:
            scope.choices = [one for one in Scope.choices if one[0] != Scope.SCIM]  # type: ignore[attr-defined]  # a choice field

    def lifetime(self) -> timedelta:
        return timedelta(days=int(self.cleaned_data["days"]))
