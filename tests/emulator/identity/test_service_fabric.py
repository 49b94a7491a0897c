"""Service Fabric."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program


def test_the_time_of_expiry_is_a_number(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The answer has four fields, with a number as `expires_on`; an id in the query has no effect.
    """
    body = on("service_fabric").answered(client_id=caller.tenant.user_identity)

    assert {"access_token", "expires_on", "resource", "token_type"} == set(body)
    assert isinstance(body["expires_on"], int)
    assert caller.tenant.system_identity == caller.claims(body["access_token"])["appid"]


def test_the_certificate_is_pinned(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The thumbprint is that of the server's certificate, which no authority issued, the tenant's own one included.
    """
    program = on("service_fabric")
    place = urlsplit(program.url)
    pem = ssl.get_server_certificate((str(place.hostname), int(place.port or 0)))
    der = ssl.PEM_cert_to_DER_cert(pem)

    assert hashlib.sha1(der).hexdigest().upper() == program.variables["IDENTITY_SERVER_THUMBPRINT"]  # noqa: S324
    with pytest.raises(httpx2.ConnectError, match="self-signed"):
        httpx2.get(program.url, verify=ssl.create_default_context(cafile=caller.tenant.ca_path), trust_env=False)


@pytest.mark.parametrize(
    ("headers", "changes", "status", "code"),
    [
        ({}, {}, 400, "SecretHeaderNotFound"),
        ({"Secret": "wrong"}, {}, 404, "ManagedIdentityNotFound"),
        (None, {"resource": ""}, 400, "ArgumentNullOrEmpty"),
        (None, {"api_version": "2019-08-01"}, 400, "InvalidApiVersion"),
        (None, {"resource": "https://nothing.example"}, 500, "InternalServerError"),
    ],
)
def test_errors_have_a_code(
    on: Callable[..., Program], headers: dict[str, str] | None, changes: dict[str, str], status: int, code: str
) -> None:
    """
    Errors have the codes of the documentation.
    """
    response = on("service_fabric").ask("", headers, **changes)

    assert (status, code) == (response.status_code, response.json()["error"]["code"])


def test_the_cluster_chooses_the_identity(caller: Caller, on: Callable[..., Program]) -> None:
    """
    Without a system-assigned identity the application has the user-assigned one, and without any it gets 404.
    """
    program = on("service_fabric")
    caller.tenant.seed.remove_identity(caller.tenant.system_identity)

    token = program.answered()["access_token"]
    caller.tenant.seed.remove_identity(caller.tenant.user_identity)

    assert caller.tenant.user_identity == caller.claims(token)["appid"]
    assert 404 == program.ask().status_code


def test_a_refused_token_is_replaced(on: Callable[..., Program]) -> None:
    """
    The host replaces the token whose hash is given.
    """
    program = on("service_fabric")
    first = program.answered()["access_token"]

    second = program.answered(token_sha256_to_refresh=hashlib.sha256(first.encode()).hexdigest())["access_token"]

    assert first != second == program.answered()["access_token"]


def test_only_get_is_allowed(on: Callable[..., Program]) -> None:
    """
    Another method gets 405.
    """
    assert 405 == on("service_fabric").ask("POST").status_code
