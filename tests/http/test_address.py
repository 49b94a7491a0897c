"""Origins: which addresses belong to a service, compared with the HTTP client's reading of the same address."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.http.address import Origin, parse_base, path_and_query, path_of, shown_host, without_query

SOURCE = Path(__file__).parents[2] / "src" / "entrakit"
GRAPH = Origin("graph.microsoft.com")

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
ORIGINS = st.builds(Origin, HOSTS, st.one_of(st.just(443), st.integers(1, 65535)))
# Letters that parsers of addresses disagree on.
NASTY = st.text(
    st.sampled_from("\\@#?/:%[]. \t\r\n\x00\x7f\u3002\uff0e\uff61\u212a\u017f\u0131\xe9.a0-_&;"), max_size=6
)


def read_by_client(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port to which the HTTP client sends a request for an address; None if it refuses it."""
    import httpx2

    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(204)

    try:
        with httpx2.Client(transport=httpx2.MockTransport(answer), trust_env=False, verify=False) as client:
            client.get(url)
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):
        return None
    read = sent[0].url
    return read.scheme, read.raw_host.decode("ascii"), read.port or 443


def is_there(origin: Origin, url: str) -> bool:
    """Return whether the HTTP client sends a request for an address to an origin."""
    read = read_by_client(url)
    if read is None:
        return False
    scheme, host, port = read
    same = IPv6Address(host) == IPv6Address(origin.host[1:-1]) if ":" in host else host == origin.host
    return scheme == "https" and same and port == origin.port


@given(ORIGINS, st.text(max_size=20), NASTY)
def test_what_an_origin_owns_is_sent_there(origin: Origin, rest: str, nasty: str) -> None:
    """
    An address that an origin owns is sent to this origin by the HTTP client, whatever follows the host.
    """
    for url in (f"{origin}{nasty}{rest}", f"{origin}/{nasty}{rest}", f"{origin}:{nasty}", f"{origin}?{rest}#{nasty}"):
        if origin.owns(url):
            assert is_there(origin, url)


@given(ORIGINS, ORIGINS, NASTY, NASTY)
def test_no_trick_makes_another_host_owned(origin: Origin, other: Origin, nasty: str, more: str) -> None:
    """
    Another host is never owned: not with a user name, a backslash, a tab, a Unicode dot, another port or a suffix.
    """
    for url in (
        f"https://{origin.shown()}@{other.shown()}/",
        f"https://{origin.shown()}{nasty}@{other.shown()}/",
        f"https://{other.shown()}{nasty}{origin.shown()}/",
        f"https://{nasty}{other.shown()}{more}/{origin.shown()}",
        f"https://{origin.shown()}{nasty}{other.shown()}{more}/",
        f"https:{nasty}//{origin.shown()}{more}/",
        f"{nasty}{origin}{more}",
        f"http://{origin.shown()}{more}/",
    ):
        if origin.owns(url):
            assert is_there(origin, url)


@given(ORIGINS, ORIGINS)
def test_only_the_same_host_and_port_are_owned(origin: Origin, other: Origin) -> None:
    """
    An origin owns its own addresses, and those of another origin only if both are equal.
    """
    assert origin.owns(f"{origin}/v1.0/users")
    assert (origin == other) == origin.owns(f"{other}/v1.0/users")


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com", "https://graph.microsoft.com/v1.0/users?$top=5", "https://graph.microsoft.com?x",
        "HTTPS://GRAPH.Microsoft.COM:443/x", "https://graph.microsoft.com#x", "https://graph.microsoft.com/k\xf6ln",
    ],
)  # fmt: skip
def test_the_same_origin_in_other_spellings_is_owned(url: str) -> None:
    """
    Case, the default port and what follows the host make no difference; the HTTP client agrees.
    """
    assert GRAPH.owns(url)
    assert is_there(GRAPH, url)


@pytest.mark.parametrize(
    "url",
    [
        "", "/v1.0", "//graph.microsoft.com/", "graph.microsoft.com", "http://graph.microsoft.com/",
        "https://graph.microsoft.com.evil.example/", "https://evilgraph.microsoft.com/",
        "https://graph.microsoft.com@evil.example/", "https://user:pw@graph.microsoft.com/",
        "https://evil.example\\@graph.microsoft.com/", "https://graph.microsoft.com\\.evil.example/",
        "https://evil.example#@graph.microsoft.com/", "https://evil.example?@graph.microsoft.com/",
        "https://graph.microsoft.com:444/", "https://graph.microsoft.com:0443/", "https://graph.microsoft.com:/",
        "https://graph.microsoft.com:443x/", "https://graph.microsoft.com:99999/", "https://graph.microsoft.com./",
        "https://graph\u3002microsoft\u3002com/", "https://graph.m\u0131crosoft.com/", "https://graph.microso\uff46t.com/",
        "https://graph.microsoft.com\t/", "\thttps://graph.microsoft.com/", "https://graph.micro\nsoft.com/",
        "https://graph.microsoft.com /", "https://graph.microsoft.com/\\evil", "https://graph.microsoft.com/a b",
        "https:///graph.microsoft.com/", "https:graph.microsoft.com/", "https:\\\\graph.microsoft.com/",
        "https://%67raph.microsoft.com/", "https://[graph.microsoft.com]/",
    ],
)  # fmt: skip
def test_no_other_spelling_is_owned(url: str) -> None:
    """
    An address that is not plain ASCII, or has a user name, is not owned, even if some client would send it there.
    """
    assert not GRAPH.owns(url)


@pytest.mark.parametrize("letter", ["\u212a", "\u017f"])
def test_letters_that_only_fold_to_ascii_are_not_ascii(letter: str) -> None:
    """
    The Kelvin sign and the long s, which ignore case with k and s, belong to no host.
    """
    assert Origin.of(f"https://{letter}.example/") is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://localhost:8443", "localhost", 8443),
        (" https://Graph.Microsoft.com/ ", "graph.microsoft.com", 443),
        ("https://b\xfccher.example", "xn--bcher-kva.example", 443),
        ("https://B\xdcCHER.example:444/", "xn--bcher-kva.example", 444),
        ("https://XN--BCHER-KVA.example", "xn--bcher-kva.example", 443),
        ("https://[::1]:8443", "[::1]", 8443),
        ("https://[0:0:0:0:0:0:0:1]", "[::1]", 443),
        ("https://127.0.0.1", "127.0.0.1", 443),
        ("https://under_score.example", "under_score.example", 443),
    ],
)
def test_an_origin_is_parsed_once_into_its_only_form(text: str, host: str, port: int) -> None:
    """
    Case, the default port, internationalized names and long IPv6 addresses have one form each, and that is stable.
    """
    origin = Origin.parse(text)

    assert (host, port) == origin
    assert origin == Origin.parse(str(origin)) == Origin.of(str(origin))
    assert is_there(origin, str(origin))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://graph.microsoft.com", "not an https address"), ("ftp://x.example", "not an https address"),
        ("http://me:canary@x.example", "not an https address"), ("https://me:canary@x.example", "not the address"),
        ("graph.microsoft.com", "not the address"), ("", "not the address"), ("https://", "not the address"),
        ("https://x.example/path", "not the address"), ("https://x.example?x", "not the address"),
        ("https://x.example.", "not the address"), ("https://x..example", "not the address"),
        ("https://x.example:0", "not the address"), ("https://x.example:65536", "not the address"),
        ("https://999.1.1.1", "not the address"), ("https://127.1", "not the address"),
        ("https://2130706433", "not the address"), ("https://010.0.0.1", "not the address"),
        ("https://[::1", "not the address"), ("https://[::g]", "not the address"),
        ("https://[:::]", "not the address"), (f"https://{'a.' * 130}b", "not the address"),
        ("https://graph\u3002microsoft.com", "not the address"), ("https://\u2603\u2028.example", "not the address"),
        ("b\xfccher", "not the address"),
    ],
)  # fmt: skip
def test_what_is_not_an_origin_is_refused(text: str, words: str) -> None:
    """
    The error repeats the address, but never a password in it, and shows a correct one.
    """
    with pytest.raises(ParameterError, match=words) as caught:
        Origin.parse(text)

    assert "canary" not in str(caught.value)
    assert "https://login.microsoftonline.us" in caught.value.remedy


@given(st.text(max_size=30))
def test_any_text_is_an_origin_or_an_error(text: str) -> None:
    """
    Parsing never fails in another way, and a parsed origin is one that the HTTP client can reach.
    """
    for candidate in (text, f"https://{text}"):
        try:
            origin = Origin.parse(candidate)
        except ParameterError:
            continue
        assert origin.owns(str(origin))
        assert is_there(origin, str(origin))


def test_a_base_address_has_a_path_and_no_query() -> None:
    """
    The address of a service may have a path; a slash at its end is left out.
    """
    assert (Origin("api.contoso.com"), "/v1") == parse_base("HTTPS://api.contoso.com:443/v1/", remedy="")
    with pytest.raises(ParameterError):
        parse_base("https://api.contoso.com/v1?x=1", remedy="")
    with pytest.raises(ParameterError):
        parse_base("https://api.contoso.com/v1#x", remedy="")


def test_the_names_of_this_machine_mean_one_server() -> None:
    """
    A server on the loopback interface may call itself by any of its names, on the same port; no other server may.
    """
    names = Origin("localhost", 8443).on_this_machine()

    assert {Origin("localhost", 8443), Origin("127.0.0.1", 8443), Origin("[::1]", 8443)} == set(names)
    assert (GRAPH,) == GRAPH.on_this_machine()
    assert set(names) == set(Origin("[::1]", 8443).on_this_machine())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://GRAPH.microsoft.com:443/v1?x", "graph.microsoft.com"), ("https://localhost:8443/x", "localhost:8443"),
        ("https://me:canary@evil.example/x", "evil.example"), ("http://evil.example?x", "evil.example"),
        ("https://evil\x1b[31m.example/", "evil[31m.example"), ("https://" + "a" * 300, "a" * 200), ("nothing", ""),
    ],
)  # fmt: skip
def test_a_host_is_shown_without_harm(url: str, shown: str) -> None:
    """
    Messages contain no password, no control characters, and no endless host of an address from others.
    """
    assert shown == shown_host(url)


def test_parts_of_an_address() -> None:
    """
    Path and query follow the origin; messages leave the query out.
    """
    assert "/v1.0/users?$top=5#x" == path_and_query("https://graph.microsoft.com/v1.0/users?$top=5#x")
    assert "?x=/y" == path_and_query("https://graph.microsoft.com?x=/y")
    assert "/v1.0/users" == path_of("https://graph.microsoft.com/v1.0/users?$top=5")
    assert "" == path_of("https://graph.microsoft.com?x=/y")
    assert "https://h/p" == without_query("https://h/p?q#f") == without_query("https://h/p#f?q")


@given(st.ip_addresses())
def test_ip_addresses_are_hosts(address: IPv4Address | IPv6Address) -> None:
    """
    Each IP address is the host of an origin.
    """
    host = str(address) if address.version == 4 else f"[{address}]"

    assert Origin(host) == Origin.of(f"https://{host}/x")


# Files that read another kind of address, and the reason.
READERS = {
    "http/address.py": "the one that reads https addresses",
    "http/direct.py": "reads the addresses of identity endpoints, which may be http; no token is sent there",
    "http/proxies.py": "reads the addresses of proxies, to which no token is sent",
    "sign_in/loopback.py": "reads the checked redirect URI of this machine; nothing is sent there",
    "sign_in/redirect.py": "reads the http://localhost address that a user pasted; nothing is sent there",
    "vault/redis_address.py": "reads redis:// addresses, to which no token is sent",
}
READING = re.compile(
    r"urlsplit|urlparse|\.netloc|\.hostname\b|partition\([\"']://|split\([\"']://|removeprefix\([\"']https?://|httpx2\.URL"
)


def test_no_other_file_reads_hosts() -> None:
    """
    One file decides what the host of an address is, so that no two files can disagree about it.
    """
    readers = {
        path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if READING.search(path.read_text("utf-8"))
    }

    assert set(READERS) == readers | {"http/address.py"}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("localhost:8443", "it does not begin with https://"),
        ("http://localhost", "it is not an https address"),
        ("https://ada:canary@localhost", "it contains a user name, which is not shown here"),
        ("https://localhost?x", "it has a query or a fragment"),
        ("https://localhost/#x", "it has a query or a fragment"),
        ("https://localhost/contoso.com", "it has a path, and the tenant is a separate parameter"),
        ("https://localhost:70000", "its host or its port is invalid"),
        ("https://10.0.0", "its host or its port is invalid"),
        ("https://", "its host or its port is invalid"),
    ],
)
def test_an_address_that_is_not_an_origin_is_explained(text: str, flaw: str) -> None:
    """
    The error says what is wrong with it, and shows no user name and password.
    """
    with pytest.raises(ParameterError) as caught:
        Origin.parse(text)

    assert caught.value.problem.endswith(f" is not the address of a service: {flaw}.")
    assert "canary" not in str(caught.value)
    assert "Give scheme, host and port only" in caught.value.remedy
