"""Who may use which route. What is not here is refused.

One line per route, by its name in the resolver: {method: who}. HEAD goes with GET; OPTIONS is never allowed.
This table opens doors; which objects a person finds behind them is decided in the query (`for_person`), and
who may act on one by its room. tests/gtmops/test_policy.py holds it against the routes that exist: a route or
method without a line fails the build, and so does a line without a route."""

from __future__ import annotations

from teams.access import ADMINS, ANYONE, MANAGERS, SIGNED_IN, Policy

POLICY: Policy = {
    # --- the whole ---
    "healthz": {"GET": ANYONE},
    "readyz": {"GET": ANYONE},
    "metrics": {"GET": ANYONE},
    "api-schema": {"GET": SIGNED_IN},
    "api-docs": {"GET": SIGNED_IN},
    # --- signing in (allauth) ---
    "account_login": {"GET": ANYONE, "POST": ANYONE},
    "account_logout": {"GET": ANYONE, "POST": ANYONE},
    "account_inactive": {"GET": ANYONE},
    "account_reauthenticate": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "account_change_password": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "account_set_password": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "account_reset_password": {"GET": ANYONE, "POST": ANYONE},
    "account_reset_password_done": {"GET": ANYONE},
    "account_reset_password_from_key": {"GET": ANYONE, "POST": ANYONE},
    "account_reset_password_from_key_done": {"GET": ANYONE},
    "mfa_index": {"GET": SIGNED_IN},
    "mfa_authenticate": {"GET": ANYONE, "POST": ANYONE},  # the second step of signing in
    "mfa_reauthenticate": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "mfa_activate_totp": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "mfa_deactivate_totp": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "mfa_view_recovery_codes": {"GET": SIGNED_IN},
    "mfa_generate_recovery_codes": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "mfa_download_recovery_codes": {"GET": SIGNED_IN},
    "usersessions_list": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    # Routes of allauth that nobody uses here: no open sign-up, and an admin changes e-mail addresses.
    "account_signup": {},
    "account_email": {},
    "account_email_verification_sent": {},
    "account_confirm_email": {},
    "account_confirm_login_code": {},
    # --- teams ---
    "teams:people": {"GET": SIGNED_IN},
    "teams:person": {"GET": SIGNED_IN},
    "teams:person_add": {"GET": ADMINS, "POST": ADMINS},
    "teams:person_edit": {"GET": ADMINS, "POST": ADMINS},
    "teams:profile": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "teams:sign_out_everywhere": {"POST": SIGNED_IN},
    "teams:token_add": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "teams:token_revoke": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "api:me": {"GET": SIGNED_IN},
    # --- effects ---
    "effects:inbox": {"GET": SIGNED_IN},
    "effects:open": {"GET": SIGNED_IN},
    "effects:read": {"POST": SIGNED_IN},
    "effects:read_all": {"POST": SIGNED_IN},
    # --- records ---
    "records:list": {"GET": SIGNED_IN},
    "records:export": {"GET": SIGNED_IN},
    "records:record": {"GET": SIGNED_IN},
    "records:moves": {"GET": SIGNED_IN},
    "records:move": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "records:withdraw_move": {"POST": SIGNED_IN},
    "records:search": {"GET": SIGNED_IN},
    "api:records": {"GET": SIGNED_IN},
    "api:record": {"GET": SIGNED_IN},
    "api:journey": {"GET": SIGNED_IN},
    # --- definitions ---
    "definitions:model": {"GET": SIGNED_IN},
    "definitions:item": {"GET": SIGNED_IN},
    "definitions:compare": {"GET": SIGNED_IN},
    "definitions:impact": {"GET": SIGNED_IN},
    "definitions:changes": {"GET": SIGNED_IN},
    "definitions:export_changes": {"GET": SIGNED_IN},
    "definitions:watched": {"GET": SIGNED_IN},
    "definitions:export_watched": {"GET": SIGNED_IN},
    "definitions:new": {"GET": ADMINS, "POST": ADMINS},
    "definitions:edit": {"GET": MANAGERS, "POST": MANAGERS},  # whose it is: definitions.agreement.parties
    "definitions:act": {"POST": MANAGERS},
    "api:model": {"GET": SIGNED_IN},
    "api:model_item": {"GET": SIGNED_IN},
    "api:model_propose": {"POST": MANAGERS},
    "api:model_sign": {"POST": MANAGERS},
    "definitions:try_conditions": {"GET": SIGNED_IN},
    "definitions:builder_catalogue": {"GET": SIGNED_IN},
    "definitions:builder_preview": {"POST": SIGNED_IN},
    "definitions:builder_text": {"POST": SIGNED_IN},
    "definitions:checks": {"GET": ADMINS},
    "definitions:export_checks": {"GET": ADMINS},
    "definitions:checks_behind": {"GET": ADMINS},
    "definitions:exceptions": {"GET": SIGNED_IN},
    "definitions:export_exceptions": {"GET": SIGNED_IN},
    "definitions:ask_exception": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "definitions:decide_exception": {"POST": SIGNED_IN},  # who decides: definitions.evidence.exception_acts
    "definitions:promote": {"GET": ADMINS, "POST": ADMINS},
    "definitions:remarks": {"GET": ADMINS},
    "definitions:check_model": {"POST": ADMINS},
    "definitions:set_up": {"GET": ADMINS, "POST": ADMINS},
    "definitions:signals": {"GET": ADMINS},
    "definitions:triggers": {"GET": SIGNED_IN},
    "definitions:export_triggers": {"GET": SIGNED_IN},
    "definitions:handle_trigger": {"POST": SIGNED_IN},
    "api:signals": {"POST": ADMINS},  # the token of whoever connects the product
    # --- slas ---
    "slas:clocks": {"GET": SIGNED_IN},
    "slas:export": {"GET": SIGNED_IN},
    "slas:clock": {"GET": SIGNED_IN},
    "slas:touch": {"GET": SIGNED_IN, "POST": SIGNED_IN},  # who may say it: slas.touches
    "api:record_touches": {"POST": SIGNED_IN},
    "slas:new_rule": {"GET": ADMINS, "POST": ADMINS},
    "slas:edit_rule": {"GET": MANAGERS, "POST": MANAGERS},  # whose it is: definitions.agreement.parties
    "slas:look_at_rule": {"POST": MANAGERS},
    "slas:try_typed": {"POST": MANAGERS},
    "slas:try_rule": {"GET": SIGNED_IN},
    "slas:watched_rule": {"GET": SIGNED_IN},
    "slas:export_watched_rule": {"GET": SIGNED_IN},
    "slas:absences": {"GET": SIGNED_IN},
    "slas:absence_add": {"GET": SIGNED_IN, "POST": SIGNED_IN},  # for whom: teams.absences
    "slas:absence_moves": {"POST": SIGNED_IN},
    "slas:absence_edit": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "slas:absence_withdraw": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "slas:feed_add": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "slas:feed_act": {"POST": SIGNED_IN},
    "slas:hours_new": {"GET": ADMINS, "POST": ADMINS},
    "slas:hours": {"GET": MANAGERS, "POST": MANAGERS},  # whose they are: definitions.agreement.parties
    "slas:hours_preview": {"POST": MANAGERS},
    "slas:hours_moves": {"POST": MANAGERS},
    "slas:hours_trial": {"GET": SIGNED_IN},
    "slas:appeal": {"GET": SIGNED_IN, "POST": SIGNED_IN},  # who had it, and who decides: slas.appeals.acts
    "slas:appeals": {"GET": SIGNED_IN},
    "slas:decide_appeal": {"POST": SIGNED_IN},
    "api:appeals": {"GET": SIGNED_IN},
    "api:clock_appeals": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "api:clock_not_mine": {"POST": SIGNED_IN},
    **{f"api:appeal_{act}": {"POST": SIGNED_IN} for act in ("grant", "refuse", "withdraw")},
    "api:clocks": {"GET": SIGNED_IN},
    "api:clock": {"GET": SIGNED_IN},
    # --- handoffs ---
    "handoffs:my_day": {"GET": SIGNED_IN},
    "handoffs:list": {"GET": SIGNED_IN},
    "handoffs:export": {"GET": SIGNED_IN},
    "handoffs:handoff": {"GET": SIGNED_IN},
    "handoffs:act": {"POST": SIGNED_IN},
    "handoffs:draft": {"POST": SIGNED_IN},
    "api:handoffs": {"GET": SIGNED_IN},
    "api:handoff": {"GET": SIGNED_IN},
    **{
        f"api:handoff_{act}": {"POST": SIGNED_IN}
        for act in ("fill", "send", "accept", "send_back", "ask", "answer", "confirm_next_step")
    },
    # --- scorecards ---
    "scorecards:map": {"GET": SIGNED_IN},
    "scorecards:monday": {"GET": SIGNED_IN},
    "scorecards:number": {"GET": SIGNED_IN},
    "scorecards:number_export": {"GET": SIGNED_IN},
    "scorecards:board": {"GET": SIGNED_IN},
    "scorecards:late": {"GET": SIGNED_IN},
    "scorecards:attainment": {"GET": SIGNED_IN},
    "scorecards:first_touch": {"GET": SIGNED_IN},
    "scorecards:speed": {"GET": SIGNED_IN},
    "scorecards:black_hole": {"GET": SIGNED_IN},
    "scorecards:misrouted": {"GET": SIGNED_IN},
    "scorecards:unowned": {"GET": SIGNED_IN},
    "scorecards:board_export": {"GET": SIGNED_IN},
    "scorecards:view_save": {"POST": SIGNED_IN},
    "scorecards:view_act": {"POST": SIGNED_IN},
    # --- integrations ---
    "integrations:hubspot_webhook": {"POST": ANYONE},  # signed by HubSpot, verified on the raw bytes
    "integrations:writing": {"GET": ADMINS},
    "integrations:preview": {"GET": ADMINS},
    "integrations:pause": {"POST": ADMINS},
    "integrations:switch": {"POST": ADMINS},
    "integrations:provision": {"POST": ADMINS},
    "integrations:retry": {"POST": ADMINS},
    "integrations:lift_hold": {"POST": ADMINS},
    "integrations:rules": {"GET": ADMINS},
    "integrations:rules_act": {"POST": ADMINS},
    "integrations:rules_refused": {"GET": ADMINS},
    "integrations:rules_export": {"GET": ADMINS},
    "integrations:rule_put_back": {"POST": ADMINS},
    "integrations:rule_accept": {"POST": ADMINS},
    "integrations:runs": {"GET": ADMINS},
    "integrations:run": {"GET": ADMINS},
    "integrations:undo": {"POST": ADMINS},
    "integrations:read_now": {"POST": ADMINS},
}
