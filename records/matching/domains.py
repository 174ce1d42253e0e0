"""Internet domains of buyers and accounts, and which of them say nothing about a company (pure).

A domain stands in lower case and in letters of a DNS name (IDNA). Its root is the part that somebody registers:
``kestrel.co.uk`` of ``mail.kestrel.co.uk``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from records.matching.known_domains import FREE, REGISTRIES

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def domain_of_address(address: Any) -> str:
    """``kestrel.example`` of ``Mara <mara@Kestrel.example>``; "" for what is no address."""
    text = str(address or "").strip().strip(">").strip()
    _, at, domain = text.rpartition("@")
    return _clean(domain) if at else ""


def domain_of_site(address: Any) -> str:
    """``kestrel.example`` of ``https://www.kestrel.example:443/about``; "" for what is no web address."""
    text = str(address or "").strip().lower()
    text = re.sub(r"^[a-z][a-z0-9+.-]*:/*", "", text).lstrip("/")
    host = re.split(r"[/?#\s,;]", text, maxsplit=1)[0].rpartition("@")[2]
    host = host.partition(":")[0]
    return _clean(re.sub(r"^(www\d?|ww2)\.", "", host))


def domains_of_account(values: Any) -> frozenset[str]:
    """The domains of an account, by its logical values ``domain``, ``website`` and ``domains`` (several)."""
    told = [values.get("website"), values.get("domain")]
    more = values.get("domains")
    told += more if isinstance(more, list) else re.split(r"[;,\s]+", str(more or ""))
    return frozenset(domain for one in told if (domain := domain_of_site(one)))


def root_of(domain: str) -> str:
    """What somebody registers: the last two labels, or three below an ending such as ``co.uk``."""
    labels = domain.split(".")
    size = 3 if ".".join(labels[-2:]) in REGISTRIES else 2
    return ".".join(labels[-size:])


class Freemail:
    """Which domains say nothing: ours and those of this installation (``free``), without ``companies``."""

    def __init__(self, free: Iterable[str] = (), companies: Iterable[str] = ()) -> None:
        self._free = (FREE | frozenset(free)) - frozenset(companies)

    def __contains__(self, domain: str) -> bool:
        """A provider's own subdomains say nothing either."""
        return any(parent in self._free for parent in _parents(domain))


def _parents(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    return (".".join(labels[i:]) for i in range(len(labels) - 1))


def _clean(domain: str) -> str:
    name = domain.strip().strip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    labels = name.split(".")
    is_name = len(labels) > 1 and len(name) <= 253 and all(_LABEL.fullmatch(one) for one in labels)
    # An address of numbers names a machine, and endings are never numbers.
    return name if is_name and not labels[-1].isdecimal() else ""
