"""The account of a sign-in: the ID token's audience, tenant and issuer (checklist 37)."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import NotConnectedError, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
BEGUN = {"user_code": "A", "device_code": "d", "verification_uri": "https://x/y", "expires_in": 900, "interval": 5}


def id_token(**claims: object) -> str:
    """Return an ID token; its signature is not checked, because it came over TLS."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln"


@pytest.fixture
def sign_in(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that signs in and gets an ID token with the right claims and the given changes."""

    def run(*, tenant: str = "", **changes: object) -> Connection:
        claims: dict[str, object] = {
            "aud": CLIENT,
            "sub": "pairwise",
            "iss": f"{token_server.url}/{token_server.tenant_id}/v2.0",
            "tid": token_server.tenant_id,
            "oid": "user-1",
            "preferred_username": "ada@contoso.com",
            "name": "Ada Lovelace",
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        granted = {"token_type": "Bearer", "expires_in": 3600, "access_token": "a", "refresh_token": "r",
                   "id_token": id_token(**claims)}  # fmt: skip
        token_server.answer = lambda form: (200, granted if form.keys() & {"device_code", "refresh_token"} else BEGUN)
        return connect(
            client_id=CLIENT, tenant_id=tenant or token_server.tenant_id, device_code=True, name="job",
            on_device_code=lambda code: None, cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    return run


def test_the_account_is_who_signed_in(sign_in: Callable[..., Connection], token_server: TokenServer) -> None:
    """
    Name, user name, ids: the account of a connection comes from the checked ID token.
    """
    account = sign_in().account

    assert ("ada@contoso.com", "Ada Lovelace", "user-1", token_server.tenant_id) == account


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "another-app"}, "another app"),
        ({"aud": None}, "another app"),
        ({"aud": ["x", "y"]}, "another app"),
        ({"tid": "99999999-2222-3333-4444-555555555555"}, "tenant"),
        ({"tid": None}, "tenant"),
        ({"iss": "https://evil.example/v2.0"}, "issuer"),
        ({"iss": None}, "issuer"),
    ],
)
def test_an_id_token_of_somebody_else_is_refused(
    sign_in: Callable[..., Connection], changes: dict[str, object], reason: str
) -> None:
    """
    Another audience, tenant or issuer ends the sign-in, and nothing is saved.
    """
    with pytest.raises(SignInError, match=reason):
        sign_in(**changes)

    with pytest.raises(NotConnectedError):
        get_connection("job")


def test_a_domain_stands_for_its_tenant(sign_in: Callable[..., Connection], token_server: TokenServer) -> None:
    """
    For a domain, the tenant of its discovery document is expected.
    """
    assert token_server.tenant_id == sign_in(tenant="contoso.com").tenant_id
    with pytest.raises(SignInError, match="tenant"):
        sign_in(tenant="contoso.com", tid="99999999-2222-3333-4444-555555555555")


def test_many_tenants_take_the_one_that_signed_in(
    sign_in: Callable[..., Connection], token_server: TokenServer
) -> None:
    """
    With `organizations` the issuer is a template, and the ID token fills it in.
    """
    home = token_server.tenant_id
    token_server.tenant_id = "organizations"
    token_server.document = {"issuer": f"{token_server.url}/{{tenantid}}/v2.0"}

    connection = sign_in(tenant="organizations", tid=home, iss=f"{token_server.url}/{home}/v2.0")

    assert home == connection.tenant_id


def test_personal_accounts_are_of_their_own_tenant(
    sign_in: Callable[..., Connection], token_server: TokenServer
) -> None:
    """
    With `consumers` only the tenant of personal accounts is expected.
    """
    token_server.tenant_id = "consumers"
    token_server.document = {"issuer": f"{token_server.url}/{{tenantid}}/v2.0"}

    with pytest.raises(SignInError, match="tenant"):
        sign_in(tenant="consumers", tid="99999999-2222-3333-4444-555555555555")


def test_a_renewal_for_another_person_is_refused(
    sign_in: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    A renewed token whose ID token names another user is not used (checklist 37).
    """
    connection = sign_in()
    answer = token_server.answer
    clock.advance(4000)
    other = id_token(
        sub="pairwise",
        aud=CLIENT,
        iss=f"{token_server.url}/{token_server.tenant_id}/v2.0",
        tid=token_server.tenant_id,
        oid="user-2",
    )
    body = cast("dict[str, object]", answer({"refresh_token": ""})[1])
    token_server.answer = lambda form: (200, body | {"id_token": other})

    with pytest.raises(SignInError, match="another account"):
        connection.token()


def test_names_are_safe_to_print(sign_in: Callable[..., Connection]) -> None:
    """
    Values of an ID token are safe for terminals: without control characters, and of bounded length.
    """
    account = sign_in(name="Ada\x1b[31m", preferred_username="x" * 9999).account

    assert "Ada[31m" == account.name
    assert 256 == len(account.username)


def test_without_an_id_token_nobody_is_named(token_server: TokenServer, transport: Transport, clock: FakeClock) -> None:
    """
    A service that sends no ID token leaves the account empty; nothing is guessed from the access token.
    """
    granted = {"token_type": "Bearer", "access_token": id_token(upn="eve@contoso.com", oid="evil")}
    token_server.answer = lambda form: (200, granted if "device_code" in form else BEGUN)

    connection = connect(
        client_id=CLIENT, tenant_id=token_server.tenant_id, device_code=True, on_device_code=lambda code: None,
        cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip

    assert ("", "", "", "") == connection.account
