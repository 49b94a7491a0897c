"""The TLS context: the trusted certificates, what is refused, and the cost of loading them."""

from __future__ import annotations

import datetime
import socket
import ssl
import sys
import warnings
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.conftest import RawServer
from tests.issuing import Authority

from entrakit.errors import ParameterError, TlsError
from entrakit.http import tls
from entrakit.http.connection import SecureSocket, use_sockets
from entrakit.http.tls import make_context
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return a certificate authority, in an environment that names none."""
    for name in (*tls.BUNDLE_VARIABLES, "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return Authority(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Return a function that starts a server with a TLS context, on an IP address."""
    servers: list[RawServer] = []

    def start(context: ssl.SSLContext, host: str = "127.0.0.1") -> RawServer:
        servers.append(RawServer(context, [OK], host))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def status_of(url: str, ca_bundle: str | None = None) -> int:
    """Return the status of an answer. Raises TlsError if the server is not trusted."""
    with closing(Transport(ca_bundle=ca_bundle, timeout_s=5.0)) as transport:
        return transport.send("GET", url, repeatable=False).status


def test_every_context_verifies() -> None:
    """
    Names and certificates are verified, and TLS is 1.2 or later: there is no switch for less (checklist 14).
    """
    context = make_context(None, {})

    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_hashed_directory_is_read_when_needed() -> None:
    """
    If the system has a hashed directory, no certificate is parsed before a server shows one of its chain.
    """
    assert [] == make_context(None, {}).get_ca_certs()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_names_a_bundle(variable: str, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The variables that other tools use are supported (request 28 of the users).
    """
    context = make_context(None, {variable: str(test_ca[0])})

    assert 1 == len(context.get_ca_certs())


def test_the_systems_own_bundle_is_not_parsed() -> None:
    """
    An environment that names the system's own bundle gets the same trust from the directory next to it.
    """
    assert [] == make_context(None, {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}).get_ca_certs()


def test_the_parameter_goes_before_the_environment(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The caller's bundle has priority over the environment.
    """
    context = make_context(str(test_ca[0]), {"SSL_CERT_FILE": "/nonexistent"})

    assert 1 == len(context.get_ca_certs())


def test_a_directory_is_taken(test_ca: tuple[Path, ssl.SSLContext], tmp_path: Path) -> None:
    """
    A hashed directory can be named as well, by parameter or by SSL_CERT_DIR.
    """
    directory = str(tmp_path)
    (tmp_path / "0a1b2c3d.0").write_bytes(test_ca[0].read_bytes())

    assert [] == make_context(directory, {}).get_ca_certs()
    assert [] == make_context(None, {"SSL_CERT_DIR": directory}).get_ca_certs()


def test_a_directory_that_openssl_does_not_read_is_told(test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    Without files with hashed names, a directory has nothing to trust, which is an error before anything is sent.
    """
    with pytest.raises(ParameterError, match="no files with hashed names"):
        make_context(str(test_ca[0].parent), {})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_what_is_no_bundle_is_told(content: str | None, tmp_path: Path) -> None:
    """
    A bundle that is missing or has no certificates is an error before anything is sent.
    """
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ParameterError, match=r"bundle\.pem"):
        make_context(str(path), {})


@pytest.mark.parametrize("form", ["file", "directory"])
def test_a_server_of_the_callers_authority_is_trusted(
    form: str, authority: Authority, serve: Callable[..., RawServer]
) -> None:
    """
    `ca_bundle` names a PEM file, or a directory that `openssl rehash` prepared.
    """
    bundle = str(authority.file) if form == "file" else authority.hashed_directory()

    assert 200 == status_of(f"{serve(authority.server_context()).url}/x", bundle)


@pytest.mark.parametrize(
    ("variable", "form"),
    [*((name, form) for name in tls.BUNDLE_VARIABLES for form in ("file", "directory")), ("SSL_CERT_DIR", "directory")],
)
def test_a_server_of_an_authority_in_the_environment_is_trusted(
    variable: str, form: str, authority: Authority, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without the variable, the server is not trusted.
    """
    url = f"{serve(authority.server_context()).url}/x"
    with pytest.raises(TlsError, match="not trusted"):
        status_of(url)
    monkeypatch.setenv(variable, str(authority.file) if form == "file" else authority.hashed_directory())

    assert 200 == status_of(url)


def test_another_authority_is_not_trusted(
    authority: Authority, serve: Callable[..., RawServer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """
    A bundle replaces the system's store; an authority of the same name with another key is not the same.
    """
    other = Authority(tmp_path_factory.mktemp("other"))

    with pytest.raises(TlsError, match=r"not trusted: .*issued by CN=Test CA"):
        status_of(f"{serve(authority.server_context()).url}/x", str(other.file))


def test_the_systems_directory_is_trusted_on_linux(
    authority: Authority, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a bundle, the system's hashed directory decides. The test names another one as that of the system.
    """
    url = f"{serve(authority.server_context()).url}/x"
    paths = ssl.get_default_verify_paths()._replace(openssl_capath=authority.hashed_directory())
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)

    assert 200 == status_of(url)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_newer_versions_of_tls_are_used(
    version: ssl.TLSVersion, authority: Authority, serve: Callable[..., RawServer]
) -> None:
    """
    TLS 1.2 and TLS 1.3 are accepted (RFC 8996).
    """
    context = authority.server_context()
    context.minimum_version = context.maximum_version = version

    assert 200 == status_of(f"{serve(context).url}/x", str(authority.file))


def test_older_versions_of_tls_are_refused(authority: Authority, serve: Callable[..., RawServer]) -> None:
    """
    A server that offers TLS 1.1 only is refused, and the error says so.
    """
    context = authority.server_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = serve(context)

    with pytest.raises(
        TlsError, match=rf"No secure connection to localhost:{server.port}: it offers no TLS 1.2"
    ) as caught:
        status_of(f"{server.url}/x", str(authority.file))

    assert not caught.value.retryable
    assert [] == server.requests


def test_an_expired_certificate_is_refused(authority: Authority, serve: Callable[..., RawServer]) -> None:
    """
    The error gives the reason and the issuer.
    """
    server = serve(authority.server_context(ends_in=datetime.timedelta(hours=-1)))

    with pytest.raises(TlsError, match=r"not trusted: certificate has expired\. It was issued by CN=Test CA\."):
        status_of(f"{server.url}/x", str(authority.file))
    assert not any(server.requests)


@pytest.mark.parametrize(
    ("host", "names", "addresses", "words"),
    [
        ("localhost", ("contoso.com",), ("127.0.0.1",), "hostname mismatch"),
        ("127.0.0.1", ("localhost", "127.0.0.1"), (), "ip address mismatch"),
        ("[::1]", ("localhost",), ("127.0.0.1",), "ip address mismatch"),
    ],
)
def test_a_certificate_for_another_name_is_refused(
    host: str,
    names: tuple[str, ...],
    addresses: tuple[str, ...],
    words: str,
    authority: Authority,
    serve: Callable[..., RawServer],
) -> None:
    """
    A host must be one of the certificate's names, and an IP address one of its addresses (RFC 9110, 4.3.4).
    """
    server = serve(authority.server_context(names=names, addresses=addresses), "::1" if "[" in host else "127.0.0.1")

    with pytest.raises(TlsError, match=rf"not trusted: {words}[^.]*'(localhost|127.0.0.1|::1)'\. It was"):
        status_of(f"https://{host}:{server.port}/x", str(authority.file))
    assert not any(server.requests)


@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")])
def test_an_ip_address_in_the_certificate_is_enough(
    host: str, address: str, authority: Authority, serve: Callable[..., RawServer]
) -> None:
    """
    A server can be called by its address, also over IPv6.
    """
    server = serve(authority.server_context(names=(), addresses=(address,)), address)

    assert 200 == status_of(f"https://{host}:{server.port}/x", str(authority.file))
    assert f"Host: {host}:{server.port}".encode() in server.requests[0].split(b"\r\n")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_store_of_windows_and_macos_decides(
    system: str, authority: Authority, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Truststore asks the system after the handshake. On Linux, where this test can run, it asks OpenSSL, so that the
    way through its context is tested, but not the stores themselves.
    """
    monkeypatch.setattr(sys, "platform", system)
    url = f"{serve(authority.server_context()).url}/x"
    context = make_context(None, {})

    assert "truststore" in type(context).__module__
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    with pytest.raises(TlsError, match="not trusted"):
        status_of(url)
    # Read by OpenSSL itself; `make_context()` does not get to see it.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setattr("entrakit.http.tls.BUNDLE_VARIABLES", ())
    assert 200 == status_of(url)


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_the_sockets_of_every_context_have_a_deadline(
    system: str, authority: Authority, serve: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The context inside truststore's context creates the sockets. The check of truststore remains in their class.
    """
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    context = make_context(None, {})
    if system == "linux":
        context.load_verify_locations(authority.file)
    own = getattr(context, "_ctx", context).sslsocket_class
    use_sockets(context, SecureSocket)
    server = serve(authority.server_context())

    with (
        socket.create_connection(("127.0.0.1", server.port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert isinstance(secured, SecureSocket)
        assert isinstance(secured, own)
        assert type(secured).recv_into is SecureSocket.recv_into
        assert type(secured).do_handshake is own.do_handshake


@pytest.mark.parametrize("name", [*tls.BUNDLE_VARIABLES, "SSL_CERT_DIR"])
def test_a_relative_bundle_needs_a_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If the working directory was removed, the error says so, and names the path.
    """
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    with pytest.raises(
        ParameterError, match=r"The path 'ca.pem' is relative, and the working directory does not exist"
    ):
        make_context(None, {name: "ca.pem"})
