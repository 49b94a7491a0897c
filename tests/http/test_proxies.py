"""The proxy for an origin."""

from __future__ import annotations

from entrakit.http.address import Origin
from entrakit.http.proxies import proxy_for


def test_a_password_is_never_shown() -> None:
    """
    User name and password become a header field for the proxy, and stand in no text.
    """
    proxy = proxy_for(Origin("contoso.com"), None, {"HTTPS_PROXY": "http://ada:canary@proxy:8080"})

    assert proxy is not None
    assert {"Proxy-Authorization": "Basic YWRhOmNhbmFyeQ=="} == proxy.headers
    assert "canary" not in f"{proxy!r} {proxy.shown()}"
