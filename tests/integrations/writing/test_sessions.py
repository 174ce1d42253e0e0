"""FLT16 while writing: a session that ends on the way is renewed once and the rest goes on. Credentials that end stop
the writing, are told once to those who can mend it, and lose nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from effects.models import Effect
from integrations import breaking
from integrations.errors import Reconnect
from integrations.hubspot import session as hubspot_session
from integrations.models import PullCursor
from integrations.pull import pull_due
from integrations.push import push_due
from integrations.registry import connector_class, connector_for
from integrations.salesforce import session as salesforce_session
from integrations.secrets import load_credential
from integrations.standins.http import Request, Response
from records.models import Connection, DesiredField
from teams.models import Person
from tests.integrations.hubspot.test_sign_in import end_all_tokens
from tests.integrations.hubspot.test_sign_in import signed_in as sign_in_to_hubspot
from tests.integrations.salesforce.test_sign_in import sign_in as sign_in_to_salesforce
from tests.integrations.writing.conftest import Act, Live, Wire
from tests.integrations.writing.test_faults import CarryOut, answer_lost
from tests.integrations.writing.test_unheard import once, refused

BATCH = 3


@pytest.fixture
def app(live: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Signed in in the browser, with refresh tokens, and batches of three: seven people are three calls."""
    sign_in(live)
    kind = connector_class(live.connection.kind)
    monkeypatch.setattr(kind, "capabilities", replace(kind.capabilities, push_batch=BATCH))
    wire.forget()
    return live


def sign_in(live: Live) -> None:
    act = sign_in_to_hubspot if live.connection.kind == "hubspot" else sign_in_to_salesforce
    act(live.standins, live.connection)


def carry_on(request: Request, carry_out: CarryOut) -> Response:
    return carry_out()


def ended(live: Live) -> Act:
    def act(request: Request, carry_out: CarryOut) -> Response:
        """Before anything is written."""
        if live.connection.kind == "salesforce":
            return refused(request, carry_out)
        end_all_tokens(live.standins)
        return carry_out()

    return act


def ended_for_good(live: Live) -> Act:
    """The session of now is no longer taken, wherever it is shown."""
    token = load_credential(live.connection)[1]["session"]["access_token"]
    if live.connection.kind == "hubspot":
        end_all_tokens(live.standins)

    def act(request: Request, carry_out: CarryOut) -> Response:
        is_ended = live.connection.kind == "salesforce" and token in (
            request.headers.get("Authorization") or ""
        )
        return refused(request, carry_out) if is_ended else carry_out()

    return act


# --- a session ends ----------------------------------------------------------------------------------------------


def goes_on_with_another(app: Live, wire: Wire) -> None:
    app.want("gtm_stage", "MQL")
    first = load_credential(app.connection)[1]["session"]["access_token"]
    wire.forget()
    wire.acts = [carry_on, ended(app)]
    push_due(datetime.now(UTC))
    once(app, "MQL")
    assert wire.sign_ins == 1
    assert wire.writes == 4  # three, and the refused one again
    assert load_credential(app.connection)[1]["session"]["access_token"] != first
    assert set(DesiredField.objects.values_list("state", "attempts")) == {("sent", 0)}
    assert Connection.objects.get(pk=app.connection.pk).state == "active"


def begin_session(app: Live) -> None:
    """As any call before would have."""
    connector_for(app.connection).check()


def test_flt16_a_session_that_ends_in_the_middle_is_renewed_once(app: Live, wire: Wire) -> None:
    begin_session(app)
    goes_on_with_another(app, wire)


def test_control_a_session_that_is_not_renewed_is_seen(
    app: Live, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing(Exception):
        pass

    begin_session(app)
    monkeypatch.setattr(salesforce_session, "SessionExpired", Nothing)
    monkeypatch.setattr(hubspot_session, "SessionEnded", Nothing)
    with pytest.raises(AssertionError):
        goes_on_with_another(app, wire)


def test_flt16_a_renewal_whose_answer_is_lost_loses_nothing(app: Live, wire: Wire) -> None:
    """Salesforce has given another refresh token and ends the family when the old one comes; HubSpot's lasts."""
    begin_session(app)
    admin = Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")
    app.want("gtm_stage", "MQL")
    wire.always = wire.reading = ended_for_good(app)
    wire.signing_in = [answer_lost]
    now = datetime.now(UTC)
    for seconds in (0, 60, 120, 180):
        push_due(now + timedelta(seconds=seconds))
    if app.connection.kind == "salesforce":
        assert told(admin) == ["Salesforce has to be connected again"]
        assert app.shown("gtm_stage") == dict.fromkeys(app.shown("gtm_stage"))
        Connection.objects.update(state="active")
        sign_in(app)
        for seconds in (240, 300):
            push_due(now + timedelta(seconds=seconds))
    assert told(admin) == ["Salesforce has to be connected again"][: app.connection.kind == "salesforce"]
    once(app, "MQL")


# --- the credentials end -----------------------------------------------------------------------------------------


def told(person: Person) -> list[str]:
    rows = Effect.objects.filter(payload__person=person.pk).order_by("pk")
    return [row.payload["title"] for row in rows]


def told_once(live: Live, wire: Wire, admin: Person) -> None:
    """However often it is tried, by writing and by reading."""
    live.want("gtm_stage", "MQL")
    wire.always = wire.reading = refused
    now = datetime.now(UTC)
    for minutes in range(0, 50, 10):
        push_due(now + timedelta(minutes=minutes))
        PullCursor.objects.update(next_pull_at=now)
        pull_due(now + timedelta(minutes=minutes))
    label = live.connection.label
    assert Connection.objects.get(pk=live.connection.pk).state == "broken"
    assert told(admin) == [f"{label} has to be connected again"]
    wire.always = wire.reading = None
    PullCursor.objects.update(next_pull_at=now)
    pull_due(now + timedelta(hours=1))
    for hours in (2, 3):
        push_due(now + timedelta(hours=hours))
    assert Connection.objects.get(pk=live.connection.pk).state == "active"
    assert told(admin) == [f"{label} has to be connected again"]
    once(live, "MQL")


@pytest.fixture
def admin(db: None) -> Person:
    Person.objects.create(email="dana@fernhill.example", name="Dana Okwell", role="rep")
    return Person.objects.create(email="ola@fernhill.example", name="Ola Opsen", role="revops_admin")


def test_flt16_that_it_has_to_be_connected_again_is_told_once(live: Live, wire: Wire, admin: Person) -> None:
    told_once(live, wire, admin)
    assert Effect.objects.count() == 1  # nobody else


def test_control_who_is_told_at_every_try_is_seen(
    hubspot: Live, wire: Wire, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(connection: Connection, text: str, now: datetime) -> None:
        Connection.objects.filter(pk=connection.pk).update(state="active")
        real(connection, text, now)

    real = breaking.mark_broken
    monkeypatch.setattr("integrations.writing.sending.mark_broken", always)
    monkeypatch.setattr("integrations.pulling.passes.mark_broken", always)
    monkeypatch.setattr(breaking, "_was_told", lambda connection, now: False)
    with pytest.raises(AssertionError, match="has to be connected again"):
        told_once(hubspot, wire, admin)


def test_what_breaks_and_heals_in_turn_is_told_once_an_hour_and_a_new_sign_in_begins_anew(
    hubspot: Live, admin: Person
) -> None:
    crm, now = hubspot.connection, datetime.now(UTC)

    def breaks(minutes: int) -> int:
        Connection.objects.update(state="active")
        breaking.mark_broken(crm, "HubSpot: the token was revoked", now + timedelta(minutes=minutes))
        return len(told(admin))

    assert [breaks(minutes) for minutes in (0, 10, 50, 61, 70)] == [1, 1, 1, 2, 2]
    crm.credential.entered_at = now + timedelta(minutes=75)
    crm.credential.save()
    assert breaks(80) == 3


def test_what_somebody_paused_stays_paused(hubspot: Live, admin: Person) -> None:
    Connection.objects.update(state="paused", state_reason="Paused by Ola Opsen.")
    breaking.mark_broken(hubspot.connection, str(Reconnect("revoked")), datetime.now(UTC))
    crm = Connection.objects.get(pk=hubspot.connection.pk)
    assert (crm.state, crm.state_reason, told(admin)) == ("paused", "Paused by Ola Opsen.", [])
