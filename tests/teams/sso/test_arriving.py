"""Who somebody is that comes from the identity provider: tables of facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from teams.group_rules import LOWEST_ROLE, ROLES, GroupRuleError, GroupRules
from teams.models import BusinessUnit, Person, Role, Team
from teams.services import deactivate, move_to_team, team_at
from teams.sso.arriving import Refused, arrive
from teams.sso.claims import Claims, ClaimsError, read_claims
from teams.sso.configured import SignOnError, SingleSignOn
from tests.teams.conftest import NOW

HERE = SingleSignOn(
    url="https://id.example.com", client_id="c", client_secret="s", domains=frozenset({"fernhill.example"})
)
NOBODY_RULES = GroupRules()
RULES = GroupRules.parse(
    "Heads = leader; SDRs = rep / sdr / fleet; Bosses = manager; Yard people = / / yards"
)


def claims(email: str = "dana@fernhill.example", **more: Any) -> Claims:
    return Claims(
        issuer=HERE.url, subject="1", email=email, **{"is_verified": True, "name": "Dana O", **more}
    )


def come(said: Claims, known: Person | None = None, rules: GroupRules = NOBODY_RULES) -> Person:
    return arrive(said, known, provider=HERE, rules=rules, now=NOW)


# --- found, made or refused ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("email", "verified", "outcome"),
    [
        ("dana@fernhill.example", True, "found"),
        ("dana@fernhill.example", False, "not_verified"),
        ("new@fernhill.example", True, "made"),
        ("new@fernhill.example", False, "not_verified"),
        ("dana@elsewhere.example", True, "other_domain"),
        ("dana@sub.fernhill.example", True, "other_domain"),
        ("dana@notfernhill.example", True, "other_domain"),
        ("left@fernhill.example", True, "closed"),
        ("owner@fernhill.example", True, "found"),
        ("", True, "no_email"),
        # The database's capital of a dotless i is that of a plain one.
        ("dına@fernhill.example", True, "made"),
    ],
)
def test_what_becomes_of_an_address(dana: Person, email: str, verified: bool, outcome: str) -> None:
    Person.objects.create_user("dina@fernhill.example", name="Dina Orlow")
    Person.objects.create_user(
        "owner@fernhill.example", name="An Owner"
    )  # from a CRM: owns work, has no password
    deactivate(Person.objects.create_user("left@fernhill.example", name="Left"), NOW)
    before = set(Person.objects.values_list("pk", flat=True))
    try:
        person = come(claims(email, is_verified=verified))
        became = "found" if person.pk in before else "made"
    except Refused as refused:
        became = refused.reason.value
    assert became == outcome
    assert Person.objects.count() == len(before) + (outcome == "made")
    if outcome in {"found", "made"}:
        assert person.email == email


@pytest.mark.django_db
def test_whoever_is_known_and_was_deactivated_is_refused(dana: Person) -> None:
    deactivate(dana, NOW)
    with pytest.raises(Refused, match="closed"):
        come(claims(), known=dana)


@pytest.mark.django_db
def test_somebody_from_a_crm_keeps_what_they_were_given_and_gets_the_account(dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(role=Role.MANAGER, name="Dana Okwell")
    person = come(claims(name="Somebody Else", groups=("SDRs", "Heads")), rules=RULES)
    assert (person.pk, person.name, person.role, person.follows_groups) == (
        dana.pk,
        "Dana Okwell",
        "manager",
        False,
    )


@pytest.mark.django_db
@pytest.mark.parametrize("units", [1, 2])
def test_whoever_is_new_belongs_to_the_business_unit_where_there_is_one_only(units: int) -> None:
    for n in range(units):
        BusinessUnit.objects.create(key=f"u{n}", name=f"Unit {n}")
    assert come(claims()).business_units.count() == (1 if units == 1 else 0)


# --- groups ---


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("groups", "role", "team", "units"),
    [
        ((), "rep", None, set()),
        (("unknown",), "rep", None, set()),
        (("SDRs",), "rep", "sdr", {"fleet"}),
        (("sdrs", "Bosses"), "rep", "sdr", {"fleet"}),  # the first line that fits, however they come
        (("Bosses", "Heads"), "leader", None, set()),
        (("Yard people", "SDRs"), "rep", "sdr", {"fleet", "yards"}),
    ],
)
def test_groups_give_role_team_and_units(
    fleet: BusinessUnit, yards: BusinessUnit, sdr_team: Team,
    groups: tuple[str, ...], role: str, team: str | None, units: set[str],
) -> None:  # fmt: skip
    person = come(claims(groups=groups), rules=RULES)
    now_in = team_at(person, NOW)
    assert (person.role, now_in.key if now_in else None) == (role, team)
    assert {unit.key for unit in person.business_units.all()} == units


@pytest.mark.django_db
def test_role_and_team_follow_the_groups_until_somebody_sets_them_by_hand(
    fleet: BusinessUnit, sdr_team: Team
) -> None:
    person = come(claims(groups=("Heads",)), rules=RULES)
    assert person.role == "leader"
    assert come(claims(groups=("SDRs",)), known=person, rules=RULES).role == "rep"
    Person.objects.filter(pk=person.pk).update(role=Role.MANAGER, follows_groups=False)
    person.refresh_from_db()
    assert come(claims(groups=("Heads",)), known=person, rules=RULES).role == "manager"
    over = replace(RULES, over_hand=True)
    assert come(claims(groups=("Heads",)), known=person, rules=over).role == "leader"
    assert come(claims(groups=()), known=person, rules=over).role == "leader"  # no group says anything of it


@pytest.mark.django_db
def test_too_many_groups_to_say_change_nothing(fleet: BusinessUnit, sdr_team: Team) -> None:
    person = come(claims(groups=("Heads", "SDRs")), rules=RULES)
    assert come(claims(groups=None), known=person, rules=RULES).role == "leader"
    assert team_at(person, NOW) == sdr_team


@pytest.mark.django_db
def test_a_team_that_a_group_gave_ends_with_it(fleet: BusinessUnit, sdr_team: Team) -> None:
    person = come(claims(groups=("SDRs",)), rules=RULES)
    person.memberships.update(started_at="2026-01-01T00:00Z")
    come(claims(groups=()), known=person, rules=RULES)
    assert team_at(person, NOW) is None
    assert not person.business_units.exists()


@pytest.mark.django_db
def test_a_team_that_is_not_here_is_said_in_the_log_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    person = come(claims(groups=("SDRs",)), rules=RULES)
    assert team_at(person, NOW) is None
    assert "GTMOPS_GROUPS names what is not here" in caplog.text


@pytest.mark.django_db
def test_a_stay_that_begins_later_is_left_alone(dana: Person, sdr_team: Team, yards: BusinessUnit) -> None:
    move_to_team(dana, Team.objects.create(key="other", name="Other"), NOW)
    come(claims(groups=("SDRs",)), known=dana, rules=replace(RULES, over_hand=True))
    assert dana.memberships.count() == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Heads", "must look like"),
        ("= leader", "must look like"),
        ("Heads =", "must look like"),
        ("Heads = king", "the role king is none of"),
        ("Heads = rep / a / b / c", "must look like"),
        ("Heads = rep; heads = leader", "stands there twice"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(text: str, fault: str) -> None:
    with pytest.raises(GroupRuleError, match=fault):
        GroupRules.parse(text)


def test_a_group_may_be_called_anything_with_signs_in_it() -> None:
    rules = GroupRules.parse("CN=Heads,OU=Sales/EMEA = leader ;\n 7b1c-22 = / sdr;")
    assert rules.granted(["cn=heads,ou=sales/emea"]).role == "leader"
    assert rules.granted(["7B1C-22"]).team == "sdr"


def test_the_roles_are_those_of_people() -> None:
    assert [*ROLES] == Role.values
    assert LOWEST_ROLE == Role.REP


# --- claims ---

SAID = {"sub": "1", "email": "Dana@Fernhill.example"}


@pytest.mark.parametrize(
    ("id_token", "userinfo", "email", "verified"),
    [
        ({"sub": "1"}, {**SAID, "email_verified": True}, "dana@fernhill.example", True),
        ({"sub": "1"}, {**SAID, "email_verified": "true"}, "dana@fernhill.example", True),
        ({"sub": "1"}, {**SAID, "email_verified": False}, "dana@fernhill.example", False),
        ({"sub": "1"}, {**SAID, "email_verified": "False"}, "dana@fernhill.example", False),
        ({"sub": "1"}, {**SAID, "email_verified": ["x"]}, "dana@fernhill.example", False),
        ({"sub": "1"}, SAID, "dana@fernhill.example", False),
        # Entra ID: userinfo has the address without a word, the ID token says that its domain is the tenant's.
        ({**SAID, "xms_edov": True}, SAID, "dana@fernhill.example", True),
        ({**SAID, "xms_edov": "1"}, SAID, "dana@fernhill.example", True),
        ({**SAID, "xms_edov": False}, SAID, "dana@fernhill.example", False),
        ({**SAID, "xms_edov": True, "email_verified": False}, {"sub": "1"}, "dana@fernhill.example", False),
        # A word beside one address says nothing of another.
        ({"sub": "1", "email_verified": True}, SAID, "dana@fernhill.example", False),
        ({"sub": "1"}, {"sub": "1", "email": "no address", "email_verified": True}, "", False),
        ({"sub": "1"}, {"sub": "1", "email": "a@b@c.example", "email_verified": True}, "", False),
        ({"sub": "1"}, {"sub": "1", "email": ["a@b.example"], "email_verified": True}, "", False),
        ({"sub": "1"}, {"sub": "1", "email": "a\n@b.example", "email_verified": True}, "", False),
    ],
)
def test_an_address_counts_as_verified_by_what_is_said_beside_it(
    id_token: dict[str, Any], userinfo: dict[str, Any], email: str, verified: bool
) -> None:
    read = read_claims(id_token, userinfo, issuer=HERE.url, groups_claim="groups")
    assert (read.email, read.is_verified) == (email, verified)


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ({}, ()),
        ({"groups": ["a", "b", "a", 7, "", None]}, ("a", "b")),
        ({"groups": "a"}, ("a",)),
        ({"groups": {"a": 1}}, ()),
        ({"hasgroups": True}, None),
        ({"_claim_names": {"groups": "src1"}}, None),
        ({"_claim_names": {"other": "src1"}}, ()),
    ],
)
def test_groups_are_read_whatever_comes(said: dict[str, Any], groups: tuple[str, ...] | None) -> None:
    assert read_claims({"sub": "1", **said}, {}, issuer="i", groups_claim="groups").groups == groups


@pytest.mark.parametrize("answers", [({}, {}), ({"sub": "1"}, {"sub": "2"})])
def test_answers_that_name_nobody_or_two_are_refused(answers: tuple[dict[str, Any], dict[str, Any]]) -> None:
    with pytest.raises(ClaimsError):
        read_claims(*answers, issuer="i", groups_claim="groups")


def test_the_same_subject_of_two_issuers_is_two_accounts() -> None:
    assert claims().uid != replace(claims(), issuer="https://other.example.com").uid


# --- the environment ---

ENVIRON = {
    "GTMOPS_OIDC_URL": "https://id.example.com/.well-known/openid-configuration",
    "GTMOPS_OIDC_CLIENT_ID": "c",
    "GTMOPS_OIDC_CLIENT_SECRET": "canary",
    "GTMOPS_OIDC_DOMAINS": "Example.com, @sub.example.com",
}


def test_the_environment_names_the_provider_and_its_secret_is_never_shown() -> None:
    read = SingleSignOn.from_environ(ENVIRON)
    assert read
    assert read.url == "https://id.example.com"
    assert read.domains == {"example.com", "sub.example.com"}
    assert "canary" not in repr(read)
    assert SingleSignOn.from_environ({}) is None


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"GTMOPS_OIDC_DOMAINS": ""}, "GTMOPS_OIDC_DOMAINS"),
        ({"GTMOPS_OIDC_DOMAINS": "everybody"}, "no domain"),
        ({"GTMOPS_OIDC_CLIENT_SECRET": ""}, "GTMOPS_OIDC_CLIENT_SECRET"),
        ({"GTMOPS_OIDC_URL": "http://id.example.com"}, "https"),
        ({"GTMOPS_OIDC_URL": "id.example.com"}, "issuer"),
        ({"GTMOPS_OIDC_SCOPES": "profile"}, "openid"),
    ],
)
def test_what_is_missing_or_cannot_be_meant_stops_the_start(change: dict[str, str], fault: str) -> None:
    with pytest.raises(SignOnError, match=fault):
        SingleSignOn.from_environ(ENVIRON | change)
