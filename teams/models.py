"""Who works here: people, their teams and business units over time, absences, API tokens.

Every change of these is kept by history triggers in the database (pghistory), so that bulk
writes and plain SQL are seen as well."""

from __future__ import annotations

import zoneinfo
from typing import ClassVar

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from teams.querysets import AbsenceQuerySet, ApiTokenQuerySet, MembershipQuerySet, PersonManager


class Role(models.TextChoices):
    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    LEADER = "leader", "Leader"
    REVOPS_ADMIN = "revops_admin", "RevOps admin"
    SYSTEM_ADMIN = "system_admin", "System admin"


class Purpose(models.TextChoices):
    MARKETING = "marketing", "Marketing"
    SDR = "sdr", "Sales development"
    SALES = "sales", "Sales"
    CS = "cs", "Customer success"
    PRODUCT = "product", "Product"
    REVOPS = "revops", "Revenue operations"
    OTHER = "other", "Other"


class Theme(models.TextChoices):
    AUTO = "auto", "As my device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class Scope(models.TextChoices):
    READ = "read", "Read only"
    WRITE = "write", "Read and write"
    SCIM = "scim", "Provision people (SCIM)"


def validate_time_zone(name: str) -> None:
    """Raises ValidationError unless `name` is an IANA time zone this machine knows."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            "“%(name)s” is not a time zone. Use a name such as Europe/Berlin.", params={"name": name}
        )


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class BusinessUnit(models.Model):
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering: ClassVar = ["name", "key"]

    def __str__(self) -> str:
        return self.name


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Team(models.Model):
    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=20, choices=Purpose, default=Purpose.OTHER)

    class Meta:
        ordering: ClassVar = ["name", "key"]

    def __str__(self) -> str:
        return self.name


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    exclude=["password", "last_login"],
)
class Person(AbstractBaseUser, PermissionsMixin):
    """Someone who works here. Without a usable password they may own work but can't sign in."""

    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=120)
    job_title = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=20, choices=Role, default=Role.REP)
    manager = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="reports")
    business_units = models.ManyToManyField(BusinessUnit, blank=True, related_name="people")
    time_zone = models.CharField(max_length=60, default="UTC", validators=[validate_time_zone])
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.AUTO)
    is_active = models.BooleanField("active", default=True)
    follows_groups = models.BooleanField(
        default=False,
        help_text="Role, team and units come from the identity provider's groups until somebody sets them by hand.",
    )

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]

    class Meta:
        ordering: ClassVar = ["name", "email"]
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                name="person_email_unique_in_any_case",
                violation_error_message="Someone with this e-mail address is here already.",
            ),
            models.CheckConstraint(
                condition=Q(manager__isnull=True) | ~Q(manager=F("id")),
                name="person_is_not_own_manager",
                violation_error_message="Nobody can be their own manager.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_absolute_url(self) -> str:
        return reverse("teams:person", args=[self.pk])

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def is_staff(self) -> bool:
        return self.role == Role.SYSTEM_ADMIN

    @property
    def is_admin(self) -> bool:
        return self.role in {Role.REVOPS_ADMIN, Role.SYSTEM_ADMIN}

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


@pghistory.track(
    pghistory.InsertEvent(), pghistory.DeleteEvent(), obj_field=None, model_name="UnitGrantEvent"
)
class UnitGrant(Person.business_units.through):  # type: ignore[misc, name-defined]  # the table behind business_units
    """Who may read which business unit; a proxy, so that granting and taking away are kept as history."""

    class Meta:
        proxy = True


class TimeRange(Func):
    """[from, to) as a database range; an empty end is open."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Membership(models.Model):
    """One stay of a person in a team, from `started_at` up to but not including `ended_at`."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.PROTECT, related_name="memberships")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["person", "started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(ended_at__isnull=True), name="membership_one_open_per_person"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")),
                name="membership_ends_after_start",
            ),
            ExclusionConstraint(
                name="membership_no_overlap",
                expressions=[
                    (TimeRange("started_at", "ended_at", RangeBoundary()), RangeOperators.OVERLAPS),
                    ("person", RangeOperators.EQUAL),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Absence(models.Model):
    """A time away, from `starts_at` up to but not including `ends_at`; `cover` takes over the work."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    cover = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="covers")
    entered_at = models.DateTimeField(
        default=timezone.now, help_text="When it was written down: it moves no clock that was done before."
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="Taken back; what it has moved until then stays."
    )
    entered_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    source = models.CharField(
        max_length=80,
        blank=True,
        help_text="The calendar it was read from and its entry there; empty: typed in.",
    )

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["starts_at", "person"]
        indexes: ClassVar = [models.Index(fields=["person", "starts_at", "ends_at"])]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="absence_ends_after_start"),
            models.CheckConstraint(
                condition=Q(cover__isnull=True) | ~Q(cover=F("person")), name="absence_cover_is_another"
            ),
            models.UniqueConstraint(
                fields=["person", "source"],
                condition=Q(withdrawn_at__isnull=True) & ~Q(source=""),
                name="absence_once_per_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} away {self.starts_at:%Y-%m-%d} to {self.ends_at:%Y-%m-%d}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(
        condition=pghistory.AnyChange("person", "team", "words", "takes_parts", "cover", "removed_at")
    ),
    pghistory.DeleteEvent(),
    fields=["person", "team", "words", "takes_parts", "cover", "added_by", "added_at", "removed_at"],
    model_name="AbsenceFeedEvent",
)
class AbsenceFeed(models.Model):
    """A calendar elsewhere, read again and again for the absences of one person or of a team.

    Its address is a secret of whoever gave it: only its host is shown."""

    person = models.ForeignKey(Person, models.CASCADE, null=True, blank=True, related_name="absence_feeds")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="absence_feeds")
    address = models.BinaryField(editable=False, help_text="Encrypted.")
    host = models.CharField(max_length=255)
    words = models.JSONField(
        default=list, help_text="One of them stands in the title or category of an absence."
    )
    takes_parts = models.BooleanField(default=False, help_text="Parts of a day count, too.")
    cover = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    added_by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)
    next_read_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read to the end.")
    found = models.PositiveIntegerField(default=0)
    remarks = models.JSONField(default=list, help_text="What was left out, in words.")
    problem = models.CharField(max_length=300, blank=True)
    problem_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["added_at"]
        indexes: ClassVar = [
            models.Index(
                fields=["next_read_at"], condition=Q(removed_at__isnull=True), name="absence_feed_due"
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(person__isnull=True) ^ Q(team__isnull=True), name="absence_feed_of_one"
            )
        ]

    def __str__(self) -> str:
        return f"{self.host} of {self.person or self.team}"


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
    exclude=["secret_hash", "last_used_at"],
)
class ApiToken(models.Model):
    """A person's key for the API. Only the hash of the secret is kept; the secret is shown once."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.READ)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class PeopleRule(models.Model):
    """Which team people are put into by what their CRM calls them. No team: they are left without one."""

    class Source(models.TextChoices):
        ROLE = "role", "Role"
        TEAM = "team", "Team"

    source = models.CharField(max_length=10, choices=Source)
    text = models.CharField(max_length=200, help_text="The CRM's own word, in any case.")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="people_rules")

    class Meta:
        ordering: ClassVar = ["source", "text"]
        constraints: ClassVar = [
            models.UniqueConstraint("source", Lower("text"), name="people_rule_once_in_any_case")
        ]

    def __str__(self) -> str:
        return f"{self.text} → {self.team or 'no team'}"


class PeopleSetting(models.Model):
    """How people are taken from the CRMs; one row at most."""

    deactivates_at_once = models.BooleanField(
        default=False, help_text="Who is switched off in every CRM loses access here at once."
    )

    def __str__(self) -> str:
        return "how people are taken from the CRMs"


class Leaving(models.Model):
    """Somebody left, and to whom what was open was given: kind of work to {to, name, count}."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="leavings")
    left_at = models.DateTimeField()
    given = models.JSONField(default=dict)
    by = models.ForeignKey(Person, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering: ClassVar = ["-left_at", "-id"]

    def __str__(self) -> str:
        return f"{self.person} left on {self.left_at:%Y-%m-%d}"


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=["changed_at"]
)
class Provisioned(models.Model):
    """Somebody whom an identity provider manages by SCIM, and what it said of them."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="provisioned")
    user_name = models.CharField(max_length=254, help_text="By which the provider finds them; in lower case.")
    external_id = models.CharField(max_length=255, blank=True, db_index=True)
    said = models.JSONField(default=dict, help_text="The SCIM attributes that we keep, as they came.")
    manager_said = models.CharField(
        max_length=254, blank=True, help_text="Whom the provider calls their manager; they may come later."
    )
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["person"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user_name"], name="provisioned_user_name_once")
        ]

    def __str__(self) -> str:
        return self.user_name


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(), exclude=["changed_at"]
)
class ProvisionedGroup(models.Model):
    """A group that an identity provider pushes by SCIM. ``team``: whose members its members become, if any."""

    name = models.CharField(max_length=200)
    external_id = models.CharField(max_length=255, blank=True, db_index=True)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="provisioned_groups")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="provisioned_group_once_in_any_case")
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track(pghistory.InsertEvent(), pghistory.DeleteEvent())
class GroupMember(models.Model):
    """Somebody in a pushed group. Of several that give a team, the one they were put into first counts."""

    group = models.ForeignKey(ProvisionedGroup, models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, models.CASCADE, related_name="provisioned_groups")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["since", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "person"], name="group_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"
