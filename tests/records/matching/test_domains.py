"""What a domain is, which part of it a company registers, and which say nothing of a company."""

from __future__ import annotations

import pytest

from records.matching.domains import (
    Freemail,
    domain_of_address,
    domain_of_site,
    domains_of_account,
    root_of,
)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("mara@kestrel.example", "kestrel.example"),
        ("Mara Lind <mara@Kestrel.EXAMPLE>", "kestrel.example"),
        ("  mara@kestrel.example. ", "kestrel.example"),
        ('"a@b"@kestrel.example', "kestrel.example"),
        ("mara@bücher.example", "xn--bcher-kva.example"),
        ("mara", ""),
        ("mara@", ""),
        ("mara@localhost", ""),
        ("mara@192.168.0.1", ""),
        ("mara@-kestrel.example", ""),
        ("mara@kestrel..example", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_the_domain_of_an_address(address: object, domain: str) -> None:
    assert domain_of_address(address) == domain


@pytest.mark.parametrize(
    ("site", "domain"),
    [
        ("https://www.kestrel.example/about?x=1#y", "kestrel.example"),
        ("HTTP://Kestrel.example:8080", "kestrel.example"),
        ("kestrel.example", "kestrel.example"),
        ("www2.kestrel.example", "kestrel.example"),
        ("//shop.kestrel.example", "shop.kestrel.example"),
        ("https://user:word@kestrel.example/", "kestrel.example"),
        ("wwwood.example", "wwwood.example"),
        ("www.example", ""),
        ("no site yet", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_domain_of_a_web_address(site: object, domain: str) -> None:
    assert domain_of_site(site) == domain


@pytest.mark.parametrize(
    ("domain", "root"),
    [
        ("kestrel.example", "kestrel.example"),
        ("eu.mail.kestrel.example", "kestrel.example"),
        ("mail.kestrel.co.uk", "kestrel.co.uk"),
        ("kestrel.com.au", "kestrel.com.au"),
        ("a.b.kestrel.com.br", "kestrel.com.br"),
        ("co.uk", "co.uk"),
    ],
)
def test_the_part_that_somebody_registers(domain: str, root: str) -> None:
    assert root_of(domain) == root


def test_an_account_may_have_several_domains() -> None:
    told = {
        "website": "https://www.kestrel.example",
        "domain": "kestrel.example",
        "domains": "k.example; kh.example",
    }
    assert domains_of_account(told) == {"kestrel.example", "k.example", "kh.example"}
    assert domains_of_account({"domains": ["a.example", None]}) == {"a.example"}
    assert domains_of_account({}) == frozenset()


@pytest.mark.parametrize(
    ("domain", "is_free"),
    [
        ("gmail.com", True),
        ("gmx.de", True),
        ("mail.yahoo.com", True),
        ("kestrel.example", False),
        ("notgmail.com", False),
        ("free.example", True),
        ("web.de", False),
    ],
)
def test_a_provider_of_addresses_says_nothing_of_a_company(domain: str, is_free: bool) -> None:
    assert (domain in Freemail(free=["free.example"], companies=["web.de"])) is is_free
