"""Read a public web address that a person typed: https only, nobody's private network, bounded in time and size.

The name is resolved once, every address of it must be public, and the connection goes to that very address: a name
that answers differently the second time leads nowhere. No redirects, no proxy, no credentials."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from django.conf import settings

Resolve = Callable[[str], Sequence[str]]
"""Host -> its addresses. Raises OSError."""


class CannotFetch(ValueError):
    """The text says why, for people; ``is_lasting``: trying again won't help."""

    def __init__(self, text: str, *, is_lasting: bool = False) -> None:
        super().__init__(text)
        self.is_lasting = is_lasting


@dataclass(frozen=True)
class Target:
    """An address that may be read: connect to ``address``, ask as ``host``."""

    host: str
    address: str
    path: str


def resolve(host: str) -> list[str]:
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def admit(url: str, resolver: Resolve = resolve) -> Target:
    """Raises CannotFetch for everything but a public https address on the usual port."""
    refused = "That is no address of a calendar. It begins with https://"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise CannotFetch(refused, is_lasting=True) from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme in {"http", "webcal"}:
        raise CannotFetch(
            f"{parts.scheme}:// is not encrypted. Use the address that begins with https://", is_lasting=True
        )
    if parts.scheme != "https" or not host or any(c.isspace() or ord(c) < 32 for c in url.strip()):
        raise CannotFetch(refused, is_lasting=True)
    if parts.username is not None or parts.password is not None:
        raise CannotFetch("An address with a user name or password in it is not kept.", is_lasting=True)
    if port not in {None, 443}:
        raise CannotFetch("Only the usual port of https is read.", is_lasting=True)
    try:
        host = host.encode("idna").decode() if not host.isascii() else host
        addresses = list(resolver(host))
    except (OSError, UnicodeError):
        raise CannotFetch(f"{host} can’t be found.") from None
    if not addresses or not all(_is_public(address) for address in addresses):
        raise CannotFetch(
            f"{host} is not on the public internet; calendars inside a network are not read.", is_lasting=True
        )
    return Target(host, addresses[0], (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def fetch(url: str, *, max_bytes: int, accept: str = "*/*", resolver: Resolve = resolve) -> bytes:
    """The body of a public https address. Raises CannotFetch."""
    target = admit(url, resolver)
    tuning = settings.GTMOPS
    started = time.monotonic()
    pool = urllib3.HTTPSConnectionPool(
        target.address, 443, server_hostname=target.host, assert_hostname=target.host, cert_reqs="CERT_REQUIRED",
        retries=False, maxsize=1,
        timeout=urllib3.Timeout(connect=tuning.http_connect_seconds, read=tuning.http_read_seconds),
    )  # fmt: skip
    headers = {"Host": target.host, "Accept": accept, "User-Agent": "gtmops", "Accept-Encoding": "gzip"}
    try:
        answer = pool.request("GET", target.path, headers=headers, preload_content=False, redirect=False)
        _refuse_status(answer.status, target.host)
        return _read(answer, max_bytes, started + tuning.http_total_seconds)
    except urllib3.exceptions.SSLError:
        raise CannotFetch(f"The certificate of {target.host} can’t be trusted.") from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise CannotFetch(f"{target.host} does not answer.") from None
    finally:
        pool.close()


def _refuse_status(status: int, host: str) -> None:
    if 300 <= status < 400:
        raise CannotFetch(f"{host} leads elsewhere, and that is not followed. Use the final address.")
    if status in {401, 403}:
        raise CannotFetch(f"{host} asks for a sign-in. Use the private address that needs none.")
    if status in {404, 410}:
        raise CannotFetch(f"{host} has no calendar at this address any more.")
    if status != 200:
        raise CannotFetch(f"{host} answers with an error ({status}).")


def _read(answer: urllib3.BaseHTTPResponse, max_bytes: int, until: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    # read1 returns after one packet, so that a server sending a byte a second can't hold us.
    while chunk := answer.read1(65536, decode_content=True):
        size += len(chunk)
        if size > max_bytes:
            raise CannotFetch(f"It is larger than {max_bytes // 1_000_000} MB.")
        if time.monotonic() > until:
            raise CannotFetch("It takes too long to answer.")
        chunks.append(chunk)
    return b"".join(chunks)


# IPv6 that carries an IPv4 address inside, which may be a private one.
_CARRIERS = [
    ipaddress.ip_network(net)
    for net in ("::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
]


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return found.is_global and not found.is_multicast and not any(found in net for net in _CARRIERS)
