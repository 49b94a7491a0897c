"""connect() with a name: `ensure` returns only what the caller names; what replaces another account is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit import Secret, UsernamePassword, get_connection
from entrakit.connection import record as records
from entrakit.connection.settings import Settings
from entrakit.errors import SignInError
from entrakit.vault import Vault
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]


def password_of(tenant: Tenant, upn: str = "") -> UsernamePassword:
    """Return name and password of ada, or of another user who is added."""
    if not upn:
        return UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password)
    tenant.seed.add_user(upn, password="Other-Person-9")
    tenant.seed.grant(upn, tenant.public_client, "https://graph.microsoft.com", ["User.Read"])
    return UsernamePassword(upn, "Other-Person-9")


def test_ensure_connects_the_user_whose_password_is_given(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    With ada saved, `ensure` and una's password connect una. With una saved and una's password, nothing is sent.
    """
    emulator(credential=password_of(entra_tenant), name="p")
    una = password_of(entra_tenant, "una@contoso.example")

    connection = emulator(credential=una, name="p", ensure=True)
    asked = len(entra_tenant.journal.of("token"))
    again = emulator(credential=una, name="p", ensure=True)

    assert ["una@contoso.example"] * 2 == [connection.account.username, again.account.username]
    assert asked == len(entra_tenant.journal.of("token"))


def test_ensure_connects_the_user_whom_the_hint_names(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    With ada saved, `login_hint` for ada does nothing, and for una it signs in.
    """
    ada, opened = entra_tenant.person(), []
    emulator(open_browser=ada.open_browser, name="p")

    def open_browser(url: str) -> bool:
        opened.append(url)
        raise KeyboardInterrupt

    emulator(open_browser=open_browser, name="p", ensure=True, login_hint=ada.upn.upper())
    assert [] == opened
    with pytest.raises(KeyboardInterrupt):
        emulator(open_browser=open_browser, name="p", ensure=True, login_hint="una@contoso.example")

    assert "login_hint=una%40contoso.example" in opened[0]


def test_ensure_signs_in_with_a_new_secret_and_saves_it(app: Connect, entra_tenant: Tenant) -> None:
    """
    A new secret is used at once, and replaces the saved one; the same secret again sends nothing.
    """
    new = "new~secret"
    entra_tenant.seed.add_secret(entra_tenant.confidential_client, new)
    app(client_secret=entra_tenant.client_secret, name="job", save_secret=True)

    app(client_secret=new, name="job", save_secret=True, ensure=True)
    asked = len(entra_tenant.journal.of("token"))
    app(client_secret=new, name="job", save_secret=True, ensure=True)

    assert asked == len(entra_tenant.journal.of("token"))
    assert {"secret": new} == records.read(Vault(), "job").saved_credential
    with pytest.raises(SignInError):
        app(client_secret="wrong", name="job", save_secret=True, ensure=True)
    assert {"secret": new} == records.read(Vault(), "job").saved_credential


@pytest.mark.parametrize("kind", ["certificate", "scopes", "resource", "save_secret"])
def test_ensure_signs_in_if_anything_named_differs(
    app: Connect, entra_tenant: Tenant, tmp_path: Path, kind: str
) -> None:
    """
    Another certificate file, resource or scope, and a secret that must be saved, each need a sign-in.
    """
    pem, files = (entra_tenant.certificate_pem + entra_tenant.private_key_pem).encode(), []
    for name in ("one.pem", "two.pem"):
        files.append(tmp_path / name)
        files[-1].write_bytes(pem)
        files[-1].chmod(0o600)
    given: dict[str, object] = {"name": "job", "ensure": True, "certificate_path": files[0]}
    changes: dict[str, dict[str, object]] = {
        "certificate": {"certificate_path": files[1]},
        "scopes": {"scopes": ["https://vault.azure.net/.default"]},
        "resource": {"resource": "https://vault.azure.net"},
        "save_secret": {"save_secret": True},
    }
    app(**given)
    app(**given)
    asked = len(entra_tenant.journal.of("token"))

    connection = app(**given | changes[kind])

    assert asked + 1 == len(entra_tenant.journal.of("token"))
    assert connection.info == get_connection("job").info


def test_a_renewal_keeps_the_digest(app: Connect, entra_tenant: Tenant) -> None:
    """
    After a renewal the same secret is still recognized.
    """
    app(client_secret=Secret(entra_tenant.client_secret), name="job").token(claims="{}")
    asked = len(entra_tenant.journal.of("token"))

    app(client_secret=entra_tenant.client_secret, name="job", ensure=True)

    assert asked == len(entra_tenant.journal.of("token"))


def test_another_account_is_not_replaced_silently(
    emulator: Connect, app: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A warning names the connection that a new one of another user or app replaced; the same account gives none.
    """
    emulator(credential=password_of(entra_tenant), name="p")
    emulator(credential=password_of(entra_tenant), name="p")
    assert "replaced" not in caplog.text

    emulator(credential=password_of(entra_tenant, "una@contoso.example"), name="p")
    app(client_secret=entra_tenant.client_secret, name="p")

    said = [record.getMessage() for record in caplog.records if "replaced" in record.getMessage()]
    where = f"in the tenant {entra_tenant.tenant_id}."
    assert [
        f"The saved connection 'p' was replaced. It was ada@contoso.example {where}",
        f"The saved connection 'p' was replaced. It was una@contoso.example {where}",
    ] == said


def test_the_program_can_refuse_that_another_account_is_replaced(
    emulator: Connect, app: Connect, entra_tenant: Tenant
) -> None:
    """
    `on_replace` gets the settings of both connections. If it raises, the saved one stays.
    """
    emulator(credential=password_of(entra_tenant), name="p")
    seen: list[str] = []

    def refuse(old: Settings, new: Settings) -> None:
        seen.extend((old.account.username, new.client_id))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        app(client_secret=entra_tenant.client_secret, name="p", on_replace=refuse)

    assert ["ada@contoso.example", entra_tenant.confidential_client] == seen
    assert "ada@contoso.example" == get_connection("p").account.username


def test_a_damaged_connection_is_not_replaced_silently(
    app: Connect, entra_tenant: Tenant, private_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A saved connection that can't be read is moved aside, and a warning says where it is.
    """
    app(client_secret=entra_tenant.client_secret, name="job")
    (private_home / "connections" / "job.json").write_text("{")

    app(client_secret=entra_tenant.client_secret, name="job")

    assert "The saved connection 'job' is damaged; it was moved to" in caplog.text


def test_a_user_without_a_refresh_token_is_not_renewed_alone(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    Whether a connection renews alone depends on the answer of the token service, and not on the flow.
    """
    person = entra_tenant.person()
    with_one = emulator(open_browser=person.open_browser)
    entra_tenant.faults.add(faults.Tokens(times=None, is_without_refresh_token=True))
    without = emulator(open_browser=person.open_browser)

    assert (True, False) == (with_one.info.renews_alone, without.info.renews_alone)


def test_an_error_carries_what_the_caller_named(emulator: Connect, app: Connect, entra_tenant: Tenant) -> None:
    """
    The settings of a failed sign-in contain the user and the source of the credential, so that a remedy leads to the
    same ones.
    """
    mia = entra_tenant.users.mfa
    with pytest.raises(SignInError) as by_password:
        emulator(credential=UsernamePassword(mia.upn, Secret(mia.password, "env:MINE")))
    with pytest.raises(SignInError) as by_secret:
        app(client_secret=Secret("wrong", "env:MINE"))

    for caught, origin, who in ((by_password, "password", mia.upn), (by_secret, "secret", app_id(entra_tenant))):
        settings = caught.value.settings
        assert isinstance(settings, Settings)
        assert ({origin: "env:MINE"}, who) == (dict(settings.origin), settings.account.username)


def app_id(tenant: Tenant) -> str:
    """Return the client id of the confidential app."""
    return tenant.confidential_client
