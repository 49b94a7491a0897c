"""Addresses of shared vaults: the forms that are accepted, what is shown of them, and what is refused."""

from __future__ import annotations

import pytest

from entrakit.errors import ParameterError
from entrakit.vault.redis_address import parse


@pytest.mark.parametrize(
    ("url", "place", "is_plain"),
    [
        ("redis://localhost", "redis://localhost:6379/0", False),
        ("redis://[::1]/3", "redis://[::1]:6379/3", False),
        ("redis://cache.contoso.com:1/", "redis://cache.contoso.com:1/0", True),
        ("rediss://user:pw@cache.contoso.com/2", "rediss://cache.contoso.com:6379/2", False),
        ("REDIS+Sentinel://One,two:1/db.main", "redis+sentinel://one:26379,two:1/db.main/0", True),
        ("redis+sentinel://127.0.0.1/db/4", "redis+sentinel://127.0.0.1:26379/db/4", False),
        ("redis+sentinel://127.0.0.1,[fe80::1]:7/db", "redis+sentinel://127.0.0.1:26379,[fe80::1]:7/db/0", True),
        ("rediss+sentinel://:pw@one,two/db", "rediss+sentinel://one:26379,two:26379/db/0", False),
        ("redis+cluster://localhost,two:7001", "redis+cluster://localhost:6379,two:7001", True),
        ("rediss+cluster://user:pw@one/0", "rediss+cluster://one:6379", False),
    ],
)
def test_the_forms_of_an_address(url: str, place: str, is_plain: bool) -> None:
    """
    One server, sentinels with the name of the service, or nodes of a cluster. An address is plain if one of its hosts
    is another machine and TLS is not used.
    """
    address = parse(url)

    assert (place, is_plain) == (address.place, address.is_plain)
    assert place == parse(address.place).place


def test_the_parts_of_an_address() -> None:
    """
    The servers and the sentinels have separate users and passwords. Percent-encoded characters are decoded, and a plus
    sign is one.
    """
    query = "sentinel_username=watch&sentinel_password=c+d%26e&ssl_ca_certs=/my%20ca.pem"
    address = parse(f"rediss+sentinel://us%40er:p%2F+w@one,two:1/db/7?{query}")

    assert ("sentinel", True, (("one", 26379), ("two", 1)), "db", 7) == (
        address.kind, address.is_encrypted, address.hosts, address.service, address.database
    )  # fmt: skip
    assert address.password is not None
    assert address.sentinel_password is not None
    assert ("us@er", "p/+w") == (address.username, address.password.reveal())
    assert ("watch", "c+d&e") == (address.sentinel_username, address.sentinel_password.reveal())
    assert (("ssl_ca_certs", "/my ca.pem"),) == address.files


def test_an_address_is_shown_without_its_secrets() -> None:
    """
    Neither the text of an address nor that of its parts contains a password.
    """
    address = parse("rediss+sentinel://user:canary@one/db?sentinel_password=canary")

    assert "RedisAddress('rediss+sentinel://one:26379/db/0')" == repr(address)
    assert "canary" not in "".join(map(str, address))


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one,two", "redis+sentinel://one/", "redis+sentinel://one/db/x", "redis+sentinel://one/db/1/2",
        "redis+sentinel://one,,two/db", "redis+sentinel://one/a%20b", "redis+sentinel://one:0/db",
        "redis+sentinel://one/db?sentinel_password=canary&sentinel_password=canary", "redis+cluster://one/1",
        "redis+cluster://one?sentinel_password=canary", "redis+cluster://", "redis+cluster://[::1", "redis+redis://one",
        "redis+cluster://one?ssl_ca_certs=/canary", "redis+://one", "redis+other://one", "redis://one,two/0",
        "redis-sentinel://one/db", "redis+sentinel://one/db#canary", "redis+sentinel://one two/db",
    ],
)  # fmt: skip
def test_what_cannot_be_an_address(url: str) -> None:
    """
    A service must be named, a cluster has database 0 only, and only sentinels have a separate password. The error
    names the forms, and repeats nothing that may be a password.
    """
    with pytest.raises(ParameterError) as caught:
        parse(url.replace("//", "//:canary@", 1))
    assert "canary" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__cause__ is None
