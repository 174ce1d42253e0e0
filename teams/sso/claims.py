"""What an identity provider says of somebody. Pure; every word of it is untrusted until it is read here."""

from __future__ import annotations

import hashlib
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

VERIFIED_BY = ("email_verified", "xms_edov")
"""Claims that say an address is verified; the second is Entra ID's word for it."""
MOST_GROUPS = 2000


class ClaimsError(ValueError):
    """The provider's answers contradict each other or name nobody."""


@dataclass(frozen=True, slots=True)
class Claims:
    """``email`` is in lower case, or empty; ``time_zone`` one this machine knows, or empty; ``groups`` is None where
    there are too many for the provider to say."""

    issuer: str
    subject: str
    email: str = ""
    is_verified: bool = False
    name: str = ""
    time_zone: str = ""
    groups: tuple[str, ...] | None = ()

    @property
    def uid(self) -> str:
        """One for each account of each issuer: two providers may give the same subject to different people."""
        return hashlib.sha256(f"{self.issuer} {self.subject}".encode()).hexdigest()


def read_claims(
    id_token: Mapping[str, Any], userinfo: Mapping[str, Any], *, issuer: str, groups_claim: str
) -> Claims:
    """Raises ClaimsError without a subject, and where the two answers name different ones."""
    subjects = {str(said["sub"]) for said in (id_token, userinfo) if said.get("sub")}
    if len(subjects) != 1:
        raise ClaimsError(
            "the ID token and userinfo name different people" if subjects else "nobody is named"
        )
    email, is_verified = _email((userinfo, id_token))
    said = {**id_token, **userinfo}
    return Claims(
        issuer=issuer,
        subject=subjects.pop(),
        email=email,
        is_verified=is_verified,
        name=_name(said),
        time_zone=_time_zone(said.get("zoneinfo")),
        groups=None if _has_too_many(said, groups_claim) else _groups(said.get(groups_claim)),
    )


def _email(answers: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """The address that is verified where either answer has one; an address counts by what is said beside it."""
    found: list[tuple[str, bool]] = []
    for said in answers:
        address = said.get("email")
        if isinstance(address, str) and _looks_like_email(address.strip()):
            words = [said[name] for name in VERIFIED_BY if name in said]
            found.append((address.strip().lower(), bool(words) and all(_is_true(word) for word in words)))
    return next((one for one in found if one[1]), found[0] if found else ("", False))


def _looks_like_email(text: str) -> bool:
    local, at, domain = text.partition("@")
    if not (at and local and domain) or "@" in domain or len(text) > 254:
        return False
    return text.isprintable() and " " not in text


def _is_true(word: object) -> bool:
    """Some providers send texts or 1 where the standard has a boolean."""
    return word is True or word == 1 or (isinstance(word, str) and word.strip().lower() in {"true", "1"})


def _name(said: Mapping[str, Any]) -> str:
    whole = said.get("name")
    if not isinstance(whole, str) or not whole.strip():
        parts = [said.get("given_name"), said.get("family_name")]
        whole = " ".join(part.strip() for part in parts if isinstance(part, str))
    return " ".join("".join(c for c in whole if c.isprintable()).split())[:120]


def _time_zone(name: object) -> str:
    return name if isinstance(name, str) and name in zoneinfo.available_timezones() else ""


def _has_too_many(said: Mapping[str, Any], groups_claim: str) -> bool:
    """Entra ID sends a link instead of more than 200 groups, or the mere word that there are some."""
    elsewhere = said.get("_claim_names")
    return groups_claim not in said and (
        _is_true(said.get("hasgroups")) or (isinstance(elsewhere, Mapping) and groups_claim in elsewhere)
    )


def _groups(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return ()
    return tuple(dict.fromkeys(one for one in value[:MOST_GROUPS] if isinstance(one, str) and one.strip()))
