"""A way to sign in as one immutable value: what every file in `flows/` promises."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import Certificate, Secret, UsernamePassword, connect
from entrakit.authority.clouds import GLOBAL, find_cloud
from entrakit.connection.settings import Settings
from entrakit.errors import InteractionRequiredError, ParameterError, ParameterSetError
from entrakit.sign_in.flows import find, way_of
from entrakit.sign_in.flows.browser import Browser
from entrakit.sign_in.flows.browser_or_device_code import BrowserOrDeviceCode
from entrakit.sign_in.flows.certificate import ClientCertificate
from entrakit.sign_in.flows.devicecode import OtherDevice
from entrakit.sign_in.flows.key_vault import KeyVaultCredential
from entrakit.sign_in.flows.password import Password
from entrakit.sign_in.flows.secret import ClientSecret
from entrakit.sources import CertificateFile, InKeyVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit.sign_in.flow import Flow
    from entrakit_emulator import Tenant

ADA = UsernamePassword("ada@contoso.com", "canary")
EACH = [
    Browser(login_hint="ada@contoso.com"),
    OtherDevice(),
    BrowserOrDeviceCode(),
    ClientSecret("canary"),
    Password(ADA),
    ClientCertificate(CertificateFile("/a.pem"), password="canary"),
    KeyVaultCredential(InKeyVault("contoso", "ops", secret="s")),
]
connect_any = cast("Callable[..., Connection]", connect)


@pytest.mark.parametrize("how", EACH, ids=lambda how: type(how).__name__)
def test_a_way_is_an_immutable_value_that_shows_no_secret(how: Flow) -> None:
    """
    Its fields can't be set or deleted, it can't be pickled, and its repr shows no secret.
    """
    field = cast("tuple[str, ...]", type(how).__slots__)[0]

    with pytest.raises(AttributeError, match="is immutable"):
        setattr(how, field, None)
    with pytest.raises(AttributeError, match="is immutable"):
        delattr(how, field)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(how)
    with pytest.raises(TypeError, match="can't be pickled"):
        copy.copy(how)
    assert "canary" not in repr(how)


KEY_VAULT = {"vault": "contoso", "vault_connection": "ops"}


@pytest.mark.parametrize(
    ("flow", "origin", "more", "expected"),
    [
        ("browser", {}, {}, "its refresh token"),
        ("browser", {}, {"has_refresh_token": False}, "a new sign-in of the user"),
        ("devicecode", {}, {}, "its refresh token"),
        ("password", {"password": "env:PW"}, {}, "its refresh token"),
        ("password", {"password": "env:PW"}, {"has_refresh_token": False}, "the password in the variable PW"),
        ("refresh_token", {"secret": "stdin"}, {}, "its refresh token"),
        ("access_token", {}, {}, "a new access token, which has to be given again"),
        ("azure_tool", {"tool": "azd"}, {}, "Azure Developer CLI"),
        ("secret", {"secret": "env:APP"}, {}, "the client secret in the variable APP"),
        ("secret", {"secret": "file:/run/app"}, {}, "the client secret in the file '/run/app'"),
        ("secret", {"secret": "prompt"}, {}, "the client secret, which has to be typed again"),
        ("secret", {"secret": "stdin"}, {}, "the client secret, which has to be given again"),
        ("secret", {"secret": "argument"}, {}, "the client secret, which has to be given again"),
        ("secret", {"secret": "env:APP"}, {"save_secret": True}, "the saved client secret"),
        ("certificate", {"path": "/a.pfx"}, {}, "the certificate in the file '/a.pfx'"),
        (
            *("certificate", {"path": "/a.pfx", "password": "env:PW"}, {}),
            "the certificate in the file '/a.pfx', and the password in the variable PW",
        ),
        (
            *("certificate", {"path": "/a.pem", "command": '["sign", "-k"]'}, {}),
            "the certificate in the file '/a.pem', with the program 'sign', which signs",
        ),
        ("certificate", {"thumbprint": "AB"}, {}, "the certificate 'AB' in a certificate store"),
        ("certificate", {"name": "x", "store": "user"}, {}, "the certificate 'x' in the certificate store 'user'"),
        ("certificate", {"uri": "pkcs11:object=x"}, {}, "the certificate of the token 'pkcs11:object=x'"),
        ("certificate", {"certificate": "argument"}, {}, "the certificate, which has to be given again"),
        ("certificate", {"path": "/a.pfx"}, {"save_secret": True}, "the saved certificate"),
        (
            *("secret", {**KEY_VAULT, "vault_secret": "s"}, {}),
            "the secret 's' in the key vault 'contoso', through the connection 'ops'",
        ),
        (
            *("certificate", {**KEY_VAULT, "vault_certificate": "c"}, {}),
            "the certificate 'c' in the key vault 'contoso', through the connection 'ops'",
        ),
        ("secret", {**KEY_VAULT, "vault_secret": "s"}, {"save_secret": True}, "the saved secret"),
    ],
)
def test_each_way_says_where_the_next_token_comes_from(
    flow: str, origin: dict[str, str], more: dict[str, bool], expected: str
) -> None:
    """
    The answer completes the sentence "The connection gets its next token from …". It needs no key of the vault.
    """
    settings = Settings("job", flow, "app", "tenant", GLOBAL, (), origin=tuple(origin.items()))._replace(**more)  # type: ignore[arg-type] # by name

    assert expected == way_of(settings).next_token_from(settings)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Browser(port=70000),
        lambda: Browser(prompt="please"),
        lambda: ClientSecret(""),
        lambda: ClientSecret("a\nb"),
        lambda: ClientSecret(cast("str", 5)),
        lambda: Password(UsernamePassword("ada", "a\0b")),
        lambda: Password(cast("UsernamePassword", "ada")),
        lambda: ClientCertificate(cast("bytes", "app.pem")),
    ],
)
def test_a_constructor_checks(make: Callable[[], Flow]) -> None:
    """
    An invalid value does not exist.
    """
    with pytest.raises(ParameterError):
        make()


@pytest.mark.parametrize("how", [ClientSecret("canary"), Password(ADA)], ids=lambda how: how.name)
def test_a_credential_is_saved_and_read_again(how: Flow) -> None:
    """
    The saved form of a credential is complete, and so is that of its source.
    """
    settings = Settings("job", how.name, "client", "contoso.com", GLOBAL, ("s",), origin=how.origin)

    again = find(how.name).from_json(json.loads(json.dumps(how.to_json())), settings)

    assert how.to_json() == again.to_json()
    assert (type(how), how.identity) == (type(again), again.identity)
    assert "canary" not in str(how.origin)


def test_a_certificate_is_saved_and_read_again(maker: Maker) -> None:
    """
    The saved form of a certificate includes its key.
    """
    how = ClientCertificate(Certificate.from_pair(maker.key, maker.certificate()), send_chain=True)
    settings = Settings("job", how.name, "client", "contoso.com", GLOBAL, ("s",), origin=how.origin, send_chain=True)

    again = ClientCertificate.from_json(how.to_json(), settings)

    assert (how.to_json(), how.identity, how.origin, True) == (
        *(again.to_json(), again.identity, again.origin),
        again.send_chain,
    )


@pytest.mark.parametrize("how", [Browser(), OtherDevice()], ids=lambda how: how.name)
def test_a_user_is_never_asked_again(how: Flow) -> None:
    """
    A way that asks the user is not used for a renewal: the user has to connect again.
    """
    settings = Settings("job", how.name, "client", "contoso.com", GLOBAL, ("s",))

    assert not how.is_silent
    with pytest.raises(InteractionRequiredError, match="no refresh token"):
        type(how).read_again(settings, 0.0)


@pytest.fixture
def where(entra_tenant: Tenant) -> dict[str, object]:
    """Return the parameters that every connection to the tenant has."""
    return {
        "client_id": entra_tenant.confidential_client,
        "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url),
        "ca_bundle": entra_tenant.ca_path,
    }


def test_connect_takes_a_value_instead_of_parameters(
    entra_tenant: Tenant, where: dict[str, object], private_home: Path
) -> None:
    """
    `connect(ClientSecret(…), …)` makes the same connection as `connect(client_secret=…, …)`. The parameters that go
    with every way to sign in go with a value, too.
    """
    secret = Secret.from_env("MINE", {"MINE": entra_tenant.client_secret})
    with connect_any(ClientSecret(secret), name="one", save_secret=True, **where) as one:
        made = one.info
    with connect_any(client_secret=secret, name="two", save_secret=True, **where) as two:
        times = {"name": "", "connected_at": 0.0, "expires_at": 0.0}
        assert made._asdict() | times == two.info._asdict() | times
    pem = (entra_tenant.certificate_pem + entra_tenant.private_key_pem).encode()
    with connect_any(ClientCertificate(pem), **where) as third:
        assert ("certificate", "User.Read.All" in third.token().roles) == (third.info.flow, True)
    user = entra_tenant.users.normal
    ada = Password(UsernamePassword(user.upn, user.password))
    with connect_any(ada, **where | {"client_id": entra_tenant.public_client}) as fourth:
        assert user.upn == fourth.account.username


def test_parameters_of_a_way_do_not_go_with_a_value(where: dict[str, object]) -> None:
    """
    A value says everything about its way to sign in: parameters of any way are refused by their names.
    """
    with pytest.raises(ParameterSetError) as caught:
        connect_any(ClientSecret("canary"), login_hint="ada", **where)

    assert ("login_hint",) == caught.value.clashing
    assert "`login_hint` can't be used with a value that says how to sign in." == caught.value.problem


@pytest.mark.parametrize(
    ("how", "more", "words"),
    [
        (ClientSecret("x"), {"tenant_id": "organizations"}, "stands for many tenants"),
        (Password(ADA), {"tenant_id": "common"}, "stands for many tenants"),
        (KeyVaultCredential(InKeyVault("contoso", "Ops", secret="s")), {"name": "ops"}, "can't authenticate itself"),
        (Browser(), {"ensure": True}, "is for a saved connection"),
    ],
)
def test_a_value_is_checked_like_parameters(
    where: dict[str, object], how: Flow, more: dict[str, object], words: str
) -> None:
    """
    A combination that is refused with parameters is refused with a value, too.
    """
    with pytest.raises(ParameterError, match=words):
        connect_any(how, **where | more)
