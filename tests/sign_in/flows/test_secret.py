"""Client credentials with a client secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.errors import SignInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

GRAPH = "https://graph.microsoft.com"


def test_app_secret(app: Connect, entra_tenant: Tenant) -> None:
    """
    An app signs in with its secret and gets its granted permissions.
    """
    token = app(client_secret=entra_tenant.client_secret).token()

    assert ("secret", GRAPH, entra_tenant.tenant_id) == (token.flow, token.audience, token.tenant_id)
    assert "User.Read.All" in token.roles
    assert entra_tenant.confidential_client == token.account.username
    assert [] == entra_tenant.journal.violations


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"client_secret": "wrong"}, 7000215, "not its id"),
        ({"client_secret": "emu8Q~documented-secret-that-expired"}, 7000222, "new one"),
        ({"client_secret": "x", "client_id": "99999999-2222-3333-4444-555555555555"}, 700016, "client id"),
        ({"client_secret": "x", "tenant_id": "99999999-2222-3333-4444-555555555555"}, 90002, "`cloud`"),
        ({"client_secret": "x", "tenant_id": "nowhere.example"}, 90002, "typos"),
    ],
)
def test_what_an_app_does_wrong_is_explained(
    app: Connect, parameters: dict[str, object], code: int, words: str
) -> None:
    """
    Wrong and expired secrets, unknown apps and tenants: the error has the number, the ids and a remedy.
    """
    with pytest.raises(SignInError) as caught:
        app(**parameters)

    assert code == caught.value.code
    assert words in caught.value.remedy
    assert caught.value.correlation_id
    assert f"AADSTS{code}" in str(caught.value)


def test_a_public_app_must_not_send_a_secret(emulator: Connect) -> None:
    """
    A secret for a public client gives a clear error (AADSTS700025).
    """
    with pytest.raises(SignInError) as caught:
        emulator(client_secret="x")

    assert 700025 == caught.value.code
    assert "public" in caught.value.problem
