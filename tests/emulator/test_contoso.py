"""The seeds of every tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator import contoso

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_seeded_users_differ() -> None:
    """
    Each seeded user has its own object id and sign-in name.
    """
    ids, names = {user.object_id for user in contoso.USERS}, {user.upn for user in contoso.USERS}

    assert (len(contoso.USERS), len(contoso.USERS)) == (len(ids), len(names))


def test_both_certificates_of_the_key_vault_belong_to_the_confidential_app(caller: Caller) -> None:
    """
    The tenant shows the certificate that the key vault contains.
    """
    secret = caller.vault(f"certificates/{contoso.KEY_VAULT_CERTIFICATE}").json()["cer"]

    assert secret in caller.tenant.certificate_pem.replace("\n", "")
