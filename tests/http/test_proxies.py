"""The proxy for an origin: parameter, environment, system, and what NO_PROXY covers."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

import pytest

from entrakit.errors import ParameterError
from entrakit.http.address import Origin
from entrakit.http.proxies import Proxy, is_exempt, proxy_for

GRAPH = Origin("graph.microsoft.com")

COVERED = [
    ("*", "contoso.com"),
    ("fabrikam.com,*", "contoso.com"),
    ("contoso.com", "contoso.com"),
    ("contoso.com", "login.contoso.com"),
    ("contoso.com", "a.b.contoso.com"),
    (".contoso.com", "contoso.com"),
    (".contoso.com", "login.contoso.com"),
    ("*.contoso.com", "contoso.com"),
    ("*.contoso.com", "login.contoso.com"),
    ("contoso.com.", "contoso.com"),
    ("CONTOSO.com", "contoso.com"),
    ("com", "contoso.com"),
    ("localhost", "localhost"),
    ("contoso.com:443", "contoso.com"),
    ("contoso.com:8443", "contoso.com:8443"),
    (".contoso.com:8443", "login.contoso.com:8443"),
    ("contoso.com", "contoso.com:8443"),
    ("fabrikam.com,contoso.com", "contoso.com"),
    ("fabrikam.com, contoso.com", "contoso.com"),
    ("fabrikam.com contoso.com", "contoso.com"),
    ("\tfabrikam.com ,,\n contoso.com ,", "contoso.com"),
    ("https://contoso.com", "contoso.com"),
    ("https://contoso.com/", "contoso.com"),
    ("bücher.example", "xn--bcher-kva.example"),
    ("BÜCHER.example", "www.xn--bcher-kva.example"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("10.1.2.3", "10.1.2.3"),
    ("10.1.2.3:8443", "10.1.2.3:8443"),
    ("10.0.0.0/8", "10.1.2.3"),
    ("10.1.2.3/8", "10.9.9.9"),
    ("10.0.0.0/255.0.0.0", "10.1.2.3"),
    ("0.0.0.0/0", "10.1.2.3"),
    ("::1", "[::1]"),
    ("[::1]", "[::1]"),
    ("[::1]:8443", "[::1]:8443"),
    ("0:0:0:0:0:0:0:1", "[::1]"),
    ("FD00::AB", "[fd00::ab]"),
    ("fd00::/8", "[fd12::1]"),
    ("[fd00::]/8", "[fd12::1]"),
]
NOT_COVERED = [
    ("", "contoso.com"),
    (" , ", "contoso.com"),
    ("contoso.com", "notcontoso.com"),
    ("contoso.com", "contoso.com.example"),
    (".contoso.com", "notcontoso.com"),
    ("*contoso.com", "notcontoso.com"),
    ("login.contoso.com", "contoso.com"),
    ("*.", "contoso.com"),
    (".", "contoso.com"),
    ("contoso.*", "contoso.com"),
    ("contoso.com:8443", "contoso.com"),
    ("contoso.com:443", "contoso.com:8443"),
    ("contoso.com/8", "contoso.com"),
    ("http://contoso.com", "contoso.com"),
    ("localhost", "127.0.0.1"),
    ("127.0.0.1", "localhost"),
    ("10.1.2.3", "10.1.2.30"),
    ("2.3", "10.1.2.3"),
    ("10.0.0.0/8", "11.0.0.1"),
    ("10.0.0.0/8", "10.contoso.com"),
    ("10.0.0.0/33", "10.1.2.3"),
    ("10.0.0.0/x", "10.1.2.3"),
    ("10.1.2.3:443", "10.1.2.3:8443"),
    ("fd00::/8", "[fe80::1]"),
    ("fd00::/8", "10.1.2.3"),
    ("0.0.0.0/0", "[::1]"),
    ("[::1]:443", "[::1]:8443"),
    ("[::1", "[::2]"),
    ("[nonsense]", "[::1]"),
    ("bücher..example", "xn--bcher-kva.example"),
]


@pytest.mark.parametrize(("no_proxy", "host"), COVERED)
def test_no_proxy_covers(no_proxy: str, host: str) -> None:
    """
    An entry covers a domain with the names below it, an IP address or a network, perhaps on one port only.
    """
    assert is_exempt(Origin.parse(f"https://{host}"), no_proxy)


@pytest.mark.parametrize(("no_proxy", "host"), NOT_COVERED)
def test_no_proxy_does_not_cover(no_proxy: str, host: str) -> None:
    """
    Names are compared by labels and addresses as numbers; entries that can't be read cover nothing.
    """
    assert not is_exempt(Origin.parse(f"https://{host}"), no_proxy)


@pytest.mark.parametrize("separator", [",", " ", ", ", "\t", " , ,"])
def test_one_entry_of_a_list_is_enough(separator: str) -> None:
    """
    A list covers what any of its entries covers, in every order and with every separator.
    """
    unreadable = ["[", "x:y:z/", "10.0.0.0/99", "ß..ß", ":", "/", "*."]
    for no_proxy, host in COVERED:
        origin = Origin.parse(f"https://{host}")
        assert is_exempt(origin, separator.join([*unreadable, no_proxy])), no_proxy
        assert is_exempt(origin, separator.join([no_proxy, *unreadable])), no_proxy
    for no_proxy, host in NOT_COVERED:
        assert not is_exempt(Origin.parse(f"https://{host}"), separator.join([*unreadable, no_proxy])), no_proxy


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://upper:1"}, "upper"),
        ({"https_proxy": "http://lower:1"}, "lower"),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:1"}, "lower"),
        ({"HTTPS_PROXY": "http://upper:1", "all_proxy": "http://all:1"}, "upper"),
        ({"all_proxy": "http://all:1", "ALL_PROXY": "http://upper-all:1"}, "all"),
        ({"ALL_PROXY": "http://upper-all:1"}, "upper-all"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://all:1"}, "all"),
        ({"HTTPS_PROXY": " "}, None),
        ({"https_proxy": "", "HTTPS_PROXY": "http://upper:1"}, None),
        ({"http_proxy": "http://plain:1", "HTTP_PROXY": "http://plain:1"}, None),
        ({"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "microsoft.com"}, None),
        ({"ALL_PROXY": "http://upper:1", "no_proxy": "microsoft.com"}, None),
        ({"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "microsoft.com", "no_proxy": "contoso.com"}, "upper"),
        ({"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "microsoft.com", "no_proxy": ""}, "upper"),
    ],
)
def test_the_environment_names_a_proxy(environ: dict[str, str], expected: str | None) -> None:
    """
    Names in lower case come first, an empty one hides the one in upper case, and HTTPS_PROXY comes before ALL_PROXY.
    """
    proxy = proxy_for(GRAPH, None, environ)

    assert expected == (proxy.host if proxy else None)


def test_the_parameter_goes_before_the_environment() -> None:
    """
    The proxy of the caller is used for every origin, also for those in NO_PROXY.
    """
    environ = {"HTTPS_PROXY": "http://other:1", "NO_PROXY": "*"}

    assert Proxy("http", "proxy.contoso.com", 8080) == proxy_for(GRAPH, "http://proxy.contoso.com:8080", environ)
    assert None is proxy_for(GRAPH, "", environ)


def test_this_machine_is_no_exception() -> None:
    """
    Requests to loopback addresses use the proxy unless NO_PROXY covers them, as with curl and Python.
    """
    environ = {"HTTPS_PROXY": "http://proxy:1"}

    assert proxy_for(Origin("localhost"), None, environ) == proxy_for(Origin("[::1]"), None, environ) is not None
    assert None is proxy_for(Origin("localhost"), None, environ | {"NO_PROXY": "localhost,::1"})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://proxy:8080", Proxy("http", "proxy", 8080)),
        ("http://proxy:8080/", Proxy("http", "proxy", 8080)),
        (" HTTP://Proxy:8080\n", Proxy("http", "proxy", 8080)),
        ("proxy:8080", Proxy("http", "proxy", 8080)),
        ("http://proxy", Proxy("http", "proxy", 80)),
        ("https://proxy", Proxy("https", "proxy", 443)),
        ("socks5://proxy", Proxy("socks5", "proxy", 1080)),
        ("socks5h://proxy", Proxy("socks5h", "proxy", 1080)),
        ("socks4://proxy", Proxy("socks4", "proxy", 1080)),
        ("socks4a://proxy:9050", Proxy("socks4a", "proxy", 9050)),
        ("socks://proxy:1080/", Proxy("socks5h", "proxy", 1080)),
        ("http://10.0.0.1:3128", Proxy("http", "10.0.0.1", 3128)),
        ("http://[fd00:0::1]:3128", Proxy("http", "fd00::1", 3128)),
        ("[::1]:3128", Proxy("http", "::1", 3128)),
        ("http://bücher.example", Proxy("http", "xn--bcher-kva.example", 80)),
        ("http://ada:canary@proxy", Proxy("http", "proxy", 80, "ada", "canary")),
        ("ada:canary@proxy:8080", Proxy("http", "proxy", 8080, "ada", "canary")),
        ("http://ada@proxy", Proxy("http", "proxy", 80, "ada")),
        ("http://@proxy", Proxy("http", "proxy", 80)),
        ("http://:canary@proxy", Proxy("http", "proxy", 80, "", "canary")),
        ("http://contoso%5Cada:c%40n%3Ary@proxy", Proxy("http", "proxy", 80, "contoso\\ada", "c@n:ry")),
        ("http://ada@contoso.com:c@n:r/y?#%@proxy", Proxy("http", "proxy", 80, "ada@contoso.com", "c@n:r/y?#%")),
        ("http://zo%C3%AB:schl%C3%BCssel@proxy", Proxy("http", "proxy", 80, "zoë", "schlüssel")),
        ("http://zoë:schlüssel@proxy", Proxy("http", "proxy", 80, "zoë", "schlüssel")),
    ],
)
def test_addresses_of_proxies(address: str, expected: Proxy) -> None:
    """
    An address without a scheme means HTTP, each scheme has a default port, and user names are percent-decoded.
    """
    assert expected == proxy_for(GRAPH, None, {"ALL_PROXY": address})


@pytest.mark.parametrize(
    "address",
    [
        "nonsense://proxy",
        "proxy",
        "proxy/",
        "ada:canary@proxy",
        "true",
        "http://",
        "http://proxy:0",
        "http://proxy:65536",
        "http://proxy:http",
        "http://proxy:8080/proxy.pac",
        "http://proxy?x",
        "http://pro xy",
        "http://[::1",
        "http://[proxy]",
        "http://::1:8080",
        "http://10.0.0",
        "http://ß..ß",
        "http://ada:canary@",
        "http://ada:canary%FF@proxy",
        "http://ada:canary%0D%0A@proxy",
        "http://a%3Ada:canary@proxy",
        "http://ada:canary\udcff@proxy",
    ],
)
def test_an_address_that_cannot_be_used_is_an_error(address: str) -> None:
    """
    The error names the variable, and contains nothing of its value, which may hold a password.
    """
    with pytest.raises(ParameterError, match="The proxy's address in HTTPS_PROXY can't be used") as caught:
        proxy_for(GRAPH, None, {"HTTPS_PROXY": address})

    assert "http://proxy.contoso.com:8080" in caught.value.remedy
    assert "canary" not in f"{caught.value} {caught.value.remedy} {caught.value!r}"
    # A traceback shows the context, too.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_parameter_is_named_in_its_error() -> None:
    """
    An unusable address in the parameter is not blamed on the environment.
    """
    with pytest.raises(ParameterError, match="in `proxy` can't be used"):
        proxy_for(GRAPH, "nonsense://proxy", {})


def test_a_password_is_never_shown() -> None:
    """
    User name and password become a header field for the proxy (RFC 7617, UTF-8), and no other string contains them.
    """
    proxy = proxy_for(GRAPH, None, {"HTTPS_PROXY": "http://ada:canary-%C3%BC@[fd00::1]:8080"})

    assert proxy is not None
    assert {"Proxy-Authorization": "Basic YWRhOmNhbmFyeS3DvA=="} == proxy.headers
    assert ["Proxy(http://[fd00::1]:8080)"] * 3 == [repr(proxy), str(proxy), f"{proxy}"]
    assert "[fd00::1]:8080" == proxy.shown()
    assert {} == Proxy("http", "proxy", 80).headers


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        ({"https": "http://system:8080"}, {}, Proxy("http", "system", 8080)),
        ({"https": "http://system:8080"}, {"HTTPS_PROXY": "http://named:1"}, Proxy("http", "named", 1)),
        ({"https": "http://system:8080"}, {"HTTP_PROXY": "http://plain:1"}, None),
        ({"https": "http://system:8080"}, {"NO_PROXY": "contoso.com"}, None),
        ({"http": "http://system:8080"}, {}, None),
        ({}, {}, None),
    ],
)
@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_windows_and_macos_have_settings(
    system: str,
    settings: dict[str, str],
    environ: dict[str, str],
    expected: Proxy | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The settings of the system are read if the environment contains no variable for proxies, as in Python.
    """
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: settings)
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: False)

    assert expected == proxy_for(GRAPH, None, environ)


def test_the_system_has_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The system's own list of exceptions is followed, and an unusable address is blamed on its settings.
    """
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "nonsense://system"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == "[::1]")

    assert None is proxy_for(Origin("[::1]"), None, {})
    with pytest.raises(ParameterError, match="in the system's settings"):
        proxy_for(GRAPH, None, {})


def test_no_variable_costs_nothing() -> None:
    """
    Without a proxy, or with a name in NO_PROXY, the module that reads the system's settings is not loaded.
    """
    program = (
        "import sys\nbare = set(sys.modules)\n"
        "from entrakit.http.address import Origin\nfrom entrakit.http.proxies import proxy_for\n"
        "origin = Origin('graph.microsoft.com')\nproxy_for(origin, None, {})\n"
        "proxy_for(origin, None, {'HTTPS_PROXY': 'http://proxy', 'NO_PROXY': 'contoso.com'})\n"
        "print(sorted({'urllib.request', 'http.client', 'socket', 'ssl', 'idna'} & (set(sys.modules) - bare)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
