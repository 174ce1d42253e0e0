"""Addresses that people type lead to the public internet, encrypted, or nowhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from effects.fetching import CannotFetch, admit, fetch


def to(*addresses: str) -> object:
    def resolver(host: str) -> Sequence[str]:
        return addresses

    return resolver


def unknown(host: str) -> Sequence[str]:
    raise OSError("no such host")


PUBLIC = to("93.184.216.34")


def test_a_public_address_is_admitted_and_pinned() -> None:
    target = admit("https://calendar.example/private/a.ics?key=1#part", PUBLIC)  # type: ignore[arg-type]  # a resolver
    assert (target.host, target.address, target.path) == (
        "calendar.example", "93.184.216.34", "/private/a.ics?key=1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://calendar.example/a.ics", "not encrypted"),
        ("webcal://calendar.example/a.ics", "not encrypted"),
        ("ftp://calendar.example/a.ics", "begins with https"),
        ("file:///etc/passwd", "begins with https"),
        ("calendar.example/a.ics", "begins with https"),
        ("https://", "begins with https"),
        ("https://[::1", "begins with https"),
        ("https://a b.example/", "begins with https"),
        ("https://calendar.example/a\r\nX-Evil: 1", "begins with https"),
        ("https://me:" + "secret@calendar.example/a.ics", "user name or password"),
        ("https://calendar.example:8443/a.ics", "usual port"),
        ("https://calendar.example:99999/a.ics", "begins with https"),
    ],
)
def test_what_is_no_such_address_is_refused_in_words(url: str, text: str) -> None:
    with pytest.raises(CannotFetch, match=text) as refused:
        admit(url, PUBLIC)  # type: ignore[arg-type]  # a resolver
    assert refused.value.is_lasting


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.4.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::1", "2001:0:a00:1::1", "nonsense",
    ],
)  # fmt: skip
def test_private_networks_are_not_read(address: str) -> None:
    with pytest.raises(CannotFetch, match="not on the public internet"):
        admit("https://calendar.example/a.ics", to(address))  # type: ignore[arg-type]  # a resolver


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(CannotFetch):
        admit("https://calendar.example/", to("93.184.216.34", "10.0.0.1"))  # type: ignore[arg-type]  # a resolver


def test_an_unknown_host_is_said_and_may_come_back() -> None:
    with pytest.raises(CannotFetch, match="can’t be found") as refused:
        fetch("https://calendar.example/a.ics", max_bytes=10, resolver=unknown)
    assert not refused.value.is_lasting
