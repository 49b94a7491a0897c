"""A credential in Azure Key Vault becomes the certificate or the client secret that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.connection.settings import Settings
from entrakit.errors import ParameterError, SignInError
from entrakit.sign_in.flows.key_vault import KeyVaultCredential
from entrakit.sources import InKeyVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrakit import Connection
    from entrakit_emulator import Tenant

connect_any = cast("Callable[..., Connection]", connect)


def test_several_secrets_are_several_ways() -> None:
    """
    Of several names, each is a way to use in turn.
    """
    how = KeyVaultCredential.from_parameters({
        "key_vault": "contoso", "key_vault_connection": "ops", "key_vault_secret": ["old", "new"],
        "send_certificate_chain": True,
    })  # fmt: skip

    (other,) = how.or_else
    assert isinstance(other, KeyVaultCredential)
    assert ("old", "new") == (how.source.secret, other.source.secret)
    assert how.send_chain
    assert other.send_chain


def test_a_missing_name_is_reported_when_it_is_read() -> None:
    """
    The key vault and the connection that may use it must be named.
    """
    for source, words in [
        (InKeyVault("", "ops", secret="s"), "No key vault"),
        (InKeyVault("c", "", secret="s"), "saved"),
    ]:
        with pytest.raises(ParameterError, match=words):
            KeyVaultCredential(source).ready(0.0)


def test_a_value_names_a_key_vault_like_parameters(entra_tenant: Tenant, private_home: Path) -> None:
    """
    The first secret that works is used, and a later process reads it there again.
    """
    where = {
        "client_id": entra_tenant.confidential_client, "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path,
    }  # fmt: skip
    ops = where | {"client_id": entra_tenant.key_vault_client, "client_secret": entra_tenant.key_vault_client_secret}
    connect_any(name="ops", save_secret=True, **ops)
    place = InKeyVault(entra_tenant.key_vault_url, "ops", secret=entra_tenant.key_vault_secret)
    how = KeyVaultCredential(place._replace(secret="missing"), or_else=[KeyVaultCredential(place)])

    connect_any(how, name="job", **where).close()

    with get_connection("job") as later:
        assert "secret" == later.info.flow
        assert later.token(min_validity_s=10**6).access_token
        assert {
            "key_vault": entra_tenant.key_vault_url, "key_vault_connection": "ops",
            "key_vault_secret": entra_tenant.key_vault_secret,
        } == KeyVaultCredential.parameters_of(later.info)  # fmt: skip


def test_the_error_of_the_last_secret_names_all_of_them(entra_tenant: Tenant, private_home: Path) -> None:
    """
    One secret is missing, and the other belongs to another app. The command that connects again names both.
    """
    where = {
        "client_id": entra_tenant.key_vault_client, "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path,
    }  # fmt: skip
    connect_any(name="ops", client_secret=entra_tenant.key_vault_client_secret, save_secret=True, **where).close()
    secrets = ["missing", entra_tenant.key_vault_secret]

    with pytest.raises(SignInError, match="secret") as caught:
        connect_any(key_vault=entra_tenant.key_vault_url, key_vault_connection="ops", key_vault_secret=secrets, **where)

    assert isinstance(caught.value.settings, Settings)
    assert secrets == KeyVaultCredential.parameters_of(caught.value.settings)["key_vault_secret"]


def test_another_source_is_refused(entra_tenant: Tenant) -> None:
    """
    A saved connection without a key vault is not one of this way.
    """
    settings = Settings("job", "secret", "c", "t", find_cloud(entra_tenant.url), ("s",), origin=(("secret", "stdin"),))

    with pytest.raises(ParameterError):
        KeyVaultCredential.read_again(settings, 0.0)
