"""Which saved connection is the one that the caller names, and which is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit import Certificate, Secret, UsernamePassword
from entrakit.authority.clouds import GLOBAL, find_cloud
from entrakit.connection.ensured import is_asked_for
from entrakit.connection.record import Record, is_other_account
from entrakit.connection.settings import Settings
from entrakit.secret import digest_of
from entrakit.sign_in.flows.certificate import ClientCertificate
from entrakit.sign_in.flows.password import Password
from entrakit.sign_in.flows.secret import ClientSecret
from entrakit.tokens.token import Account

if TYPE_CHECKING:
    from entrakit.sign_in.flow import Flow
    from entrakit_emulator import Tenant

ADA = Account("ada@contoso.com", object_id="1", tenant_id="t")
USER = Settings("job", "browser", "client", "contoso.com", GLOBAL, ("s",), account=ADA)
APP = USER._replace(flow="secret", account=Account("client"), origin=(("secret", "stdin"),))
SECRET = ClientSecret("one").identity
KEPT = Record(APP, {}, digest=digest_of(SECRET))


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"connected_at": 5.0, "expires_at": 5.0, "ca_bundle": "/other.pem", "directory_id": "t"}, True),
        ({"scopes": ("t",)}, False),
        ({"resource": "api://orders"}, False),
        ({"send_chain": True}, False),
        ({"client_id": "another"}, False),
        ({"tenant_id": "fabrikam.com"}, False),
        ({"cloud": find_cloud("usgov")}, False),
        ({"cloud": GLOBAL._replace(graph_url="https://gateway.contoso.com")}, False),
        ({"flow": "certificate"}, False),
        ({"origin": (("secret", "env:SECRET"),)}, False),
        ({"origin": (("module", "/lib"), ("secret", "stdin"))}, False),
        ({"save_secret": True}, False),
    ],
)
def test_what_the_caller_names_must_be_what_is_saved(change: dict[str, object], *, is_same: bool) -> None:
    """
    App, tenant, cloud, flow, scopes, resource and the source of the credential must be the same.
    """
    wanted = APP._replace(**change)  # type: ignore[arg-type] # one of each type

    assert is_same == is_asked_for(KEPT, wanted, SECRET)


def test_the_order_in_which_a_source_is_saved_does_not_matter() -> None:
    """
    The parts of a source are saved sorted by their names.
    """
    parts = (("path", "/app.pfx"), ("password", "prompt"))
    kept = KEPT._replace(settings=APP._replace(origin=parts))

    assert is_asked_for(kept, APP._replace(origin=parts[::-1]), SECRET)


@pytest.mark.parametrize(
    ("username", "is_same"),
    [("", True), ("ada@contoso.com", True), (" ADA@contoso.com", True), ("una@contoso.com", False), ("ada", False)],
)
def test_a_named_user_must_be_the_one_who_is_saved(username: str, *, is_same: bool) -> None:
    """
    A name in any case selects the user. If nobody is named, any user of the app is the right one.
    """
    wanted = USER._replace(account=Account(username))

    assert is_same == is_asked_for(Record(USER, {}), wanted, None)


def test_a_credential_is_recognized_without_being_saved(entra_tenant: Tenant) -> None:
    """
    The digest recognizes a secret, a password and a certificate, has a new salt each time, and is not the credential.
    """
    pem = (entra_tenant.certificate_pem + entra_tenant.private_key_pem).encode()
    words = (("ada", "x"), ("Ada", "x"), ("ada", "y"), ("una", "x"))
    one, again, other, una = (Password(UsernamePassword(name, word)) for name, word in words)
    secret = ClientSecret("one")
    pairs: list[tuple[Flow, Flow, Flow]] = [
        (secret, ClientSecret(Secret("one", "prompt")), ClientSecret("two")),
        (one, again, other),
        (ClientCertificate(pem), ClientCertificate(Certificate.from_bytes(pem)), secret),
        (una, una, one),
    ]
    for how, same, different in pairs:
        assert how.identity is not None
        kept = KEPT._replace(digest=digest_of(how.identity))
        assert is_asked_for(kept, APP, same.identity)
        assert not is_asked_for(kept, APP, different.identity)
    assert digest_of(SECRET) != digest_of(SECRET)
    assert "one" not in digest_of(SECRET)


def test_an_entry_without_a_digest_is_compared_with_its_saved_credential() -> None:
    """
    0.1.0 writes no digest. Its saved credential is compared; without one, the credential counts as another.
    """
    kept = KEPT._replace(digest="", saved_credential=ClientSecret("one").to_json())

    assert is_asked_for(kept, APP._replace(save_secret=True), SECRET)
    assert not is_asked_for(kept, APP, ClientSecret("two").identity)
    assert not is_asked_for(KEPT._replace(digest=""), APP, SECRET)
    assert not is_asked_for(KEPT._replace(digest="damaged"), APP, SECRET)


@pytest.mark.parametrize(
    ("saved", "new", "is_other"),
    [
        (USER, USER._replace(scopes=("t",), flow="devicecode"), False),
        (USER, USER._replace(tenant_id="t"), False),
        (USER, USER._replace(account=ADA._replace(object_id="2")), True),
        (USER, USER._replace(account=ADA._replace(tenant_id="u")), True),
        (USER, USER._replace(client_id="another"), True),
        (USER, USER._replace(cloud=GLOBAL.at("https://localhost:8443")), True),
        (USER, APP._replace(tenant_id="t"), True),
        (APP, APP._replace(flow="certificate", origin=()), False),
        (APP, APP._replace(tenant_id="fabrikam.com"), True),
        (APP._replace(directory_id="t"), APP._replace(tenant_id="fabrikam.com", directory_id="t"), False),
        (USER._replace(account=Account("Ada@x")), USER._replace(account=Account("ada@x")), False),
    ],
)
def test_another_account_is_another_app_tenant_or_user(saved: Settings, new: Settings, *, is_other: bool) -> None:
    """
    Another way to sign in, or another name of the same tenant, is not another account.
    """
    assert is_other == is_other_account(saved, new) == is_other_account(new, saved)
