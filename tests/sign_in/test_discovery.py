"""Discovery: the accepted metadata of an authority, and its lifetime on disk."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from entrakit.authority.clouds import find_cloud
from entrakit.errors import SignInError, UnexpectedAnswerError
from entrakit.sign_in.discovery import discover

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FakeClock, TokenServer

    from entrakit.http.transport import Transport


def kept_file(directory: Path) -> Path:
    """Return the one file that discovery saves."""
    (path,) = directory.iterdir()
    return path


def test_the_document_is_asked_once_a_day(
    token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path
) -> None:
    """
    Within a day the saved document is used; afterwards it is requested again.
    """
    cloud, directory = find_cloud(token_server.url), str(tmp_path / "metadata")

    for _ in range(3):
        discover(cloud, token_server.tenant_id, transport, directory=directory)
    asked_in_a_day = len(token_server.paths)
    clock.advance(24 * 3600 + 1)
    discover(cloud, token_server.tenant_id, transport, directory=directory)

    assert (1, 2) == (asked_in_a_day, len(token_server.paths))


def test_a_domain_is_told_its_tenant_id(token_server: TokenServer, transport: Transport) -> None:
    """
    The endpoints name the tenant by its id, even if a domain was given.
    """
    authority = discover(find_cloud(token_server.url), "contoso.com", transport, directory=None)

    assert token_server.tenant_id == authority.directory_id
    assert f"{token_server.url}/contoso.com" == authority.address


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "device_authorization_endpoint"])
@pytest.mark.parametrize("address", ["https://evil.example/token", "http://localhost/token", "", 5, None])
def test_an_endpoint_elsewhere_is_refused(
    token_server: TokenServer, transport: Transport, endpoint: str, address: object
) -> None:
    """
    A document that sends credentials to another host, or without TLS, is refused (checklist 14, 33).
    """
    token_server.document = {endpoint: address}
    cloud = find_cloud(token_server.url)

    if endpoint == "device_authorization_endpoint" and address is None:
        discover(cloud, token_server.tenant_id, transport, directory=None)
    else:
        with pytest.raises(UnexpectedAnswerError, match="not Microsoft Entra's token service"):
            discover(cloud, token_server.tenant_id, transport, directory=None)


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "device_authorization_endpoint"])
@pytest.mark.parametrize(
    "spelling",
    [
        "https://evil.example#@{own}/", "https://evil.example?@{own}/", "https://evil.example\\@{own}/",
        "https://evil.example/@{own}/", "https://{own}@evil.example/", "https://{own}:443@evil.example/",
        "https://user@{own}/", "https://evil.example\t#@{own}/", "https://\tevil.example/", " https://{own}/",
        "https://{host}.:{port}/", "https://{host}.evil.example/", "https://{host}/", "https:/{own}/", "//{own}/",
        "https:\\\\{own}/", "https://localh\u00f6st:{port}/", "https://loc\u0430lhost:{port}/",
        "https://{own}\\@evil.example/", "https://{own}%40evil.example/", "https://{own}\r\n.evil.example/",
        "https://{host}:0{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://0x7f.1:{port}/",
    ],
)  # fmt: skip
def test_no_spelling_names_another_host(
    token_server: TokenServer, transport: Transport, endpoint: str, spelling: str
) -> None:
    """
    Whichever way an endpoint is written, it is on the origin of the authority or the document is refused.
    """
    own = token_server.url.removeprefix("https://")
    host, _, port = own.partition(":")
    token_server.document = {endpoint: f"{spelling.format(own=own, host=host, port=port)}{token_server.tenant_id}/x"}

    with pytest.raises(UnexpectedAnswerError, match=f"its {endpoint} is not on {own}"):
        discover(find_cloud(token_server.url), token_server.tenant_id, transport, directory=None)


def test_another_tenants_document_is_refused(token_server: TokenServer, transport: Transport) -> None:
    """
    A document for another tenant id than the given one is not used.
    """
    asked = "99999999-2222-3333-4444-555555555555"

    with pytest.raises(UnexpectedAnswerError, match="another tenant"):
        discover(find_cloud(token_server.url), asked, transport, directory=None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "fetched_at": "x"}', "evil"])
def test_a_kept_file_that_is_not_ours_is_ignored(
    token_server: TokenServer, transport: Transport, tmp_path: Path, clock: FakeClock, content: str
) -> None:
    """
    The content of a saved file is checked: an unreadable document, or one with other hosts, is requested again.
    """
    cloud, directory = find_cloud(token_server.url), tmp_path / "metadata"
    expected = discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    if content == "evil":
        evil = json.dumps(token_server.discovery() | {"token_endpoint": "https://evil.example/a/b"})
        content = json.dumps({"schema": 1, "fetched_at": clock.time(), "document": evil})
    kept_file(directory).write_text(content)

    assert expected == discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    assert 2 == len(token_server.paths)


def test_the_file_is_private_and_not_followed(token_server: TokenServer, transport: Transport, tmp_path: Path) -> None:
    """
    The file is private from creation; a link in its place, or a file that others can write, is not read.
    """
    cloud, directory = find_cloud(token_server.url), tmp_path / "metadata"
    discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    path = kept_file(directory)

    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, directory.stat().st_mode & 0o777)
    path.chmod(0o666)
    discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    assert 3 == len(token_server.paths)


def test_old_documents_are_swept(
    token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path
) -> None:
    """
    Documents of authorities that are not used any more do not accumulate.
    """
    directory = tmp_path / "home" / "metadata"
    directory.mkdir(mode=0o700)
    old = directory / "localhost_1_contoso.com.json"
    old.write_text("{}")
    os.utime(old, (clock.time() - 90_000, clock.time() - 90_000))

    discover(find_cloud(token_server.url), token_server.tenant_id, transport, directory=str(directory))

    assert not old.exists()
    assert kept_file(directory).exists()


def test_a_disk_that_refuses_costs_a_request_only(
    token_server: TokenServer, transport: Transport, tmp_path: Path
) -> None:
    """
    If nothing can be saved, signing in still works.
    """
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cloud = find_cloud(token_server.url)

    for _ in range(2):
        discover(cloud, token_server.tenant_id, transport, directory=str(blocked / "metadata"))

    assert 2 == len(token_server.paths)


@pytest.mark.parametrize("body", [b"<html>Welcome to Hotel WiFi</html>", b"[]", b"{", b'{"issuer": 1}'])
def test_a_captive_portal_is_told(
    token_server: TokenServer, transport: Transport, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A web page instead of a document gives its own error, without a traceback of a JSON parser.
    """
    monkeypatch.setattr(token_server, "discovery", lambda: body)

    with pytest.raises(UnexpectedAnswerError, match="not Microsoft Entra's token service") as caught:
        discover(find_cloud(token_server.url), token_server.tenant_id, transport, directory=None)

    assert "captive portal" in caught.value.remedy


DEEP = b"[" * 100_000


@pytest.mark.parametrize("status", [200, 400])
def test_deep_json_is_not_a_document(transport: Transport, raw_server: object, status: int) -> None:
    """
    JSON that is nested too deep for a parser is an error of entrakit.
    """
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(DEEP)}\r\nConnection: close\r\n\r\n".encode()
    server = raw_server(head + DEEP)  # type: ignore[operator] # a function of a fixture

    with pytest.raises(UnexpectedAnswerError, match="not Microsoft Entra's token service"):
        discover(find_cloud(server.url), "contoso.com", transport, directory=None)


def test_a_kept_document_that_is_too_deep_is_asked_again(
    token_server: TokenServer, transport: Transport, tmp_path: Path
) -> None:
    """
    A damaged file costs one request.
    """
    directory = tmp_path / "metadata"
    cloud = find_cloud(token_server.url)
    discover(cloud, token_server.tenant_id, transport, directory=str(directory))
    (file,) = directory.iterdir()
    file.write_bytes(DEEP)

    discover(cloud, token_server.tenant_id, transport, directory=str(directory))

    assert 2 == len(token_server.paths)


def test_an_unknown_tenant_is_the_services_word(transport: Transport, raw_server: object) -> None:
    """
    The service's own error for an unknown tenant is raised with its code and remedy (AADSTS90002).
    """
    body = json.dumps(
        {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found.", "error_codes": [90002]}
    )
    answer = f"HTTP/1.1 400 Bad\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    server = raw_server(answer)  # type: ignore[operator] # a function of a fixture

    with pytest.raises(SignInError) as caught:
        discover(find_cloud(server.url), "nowhere.example", transport, directory=None)

    assert 90002 == caught.value.code
    assert caught.value.remedy
