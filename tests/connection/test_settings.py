"""Settings of a connection: which are alike, which credentials can be read again, and the services of their cloud."""

from __future__ import annotations

import pytest

from entrakit.authority.clouds import GLOBAL, find_cloud
from entrakit.connection.settings import Settings
from entrakit.errors import ParameterError
from entrakit.services.service import Service
from entrakit.tokens.token import Account

ONE = Settings("job", "browser", "client", "contoso.com", GLOBAL, ("s",), account=Account(object_id="ada"))


@pytest.mark.parametrize(
    ("other", "is_like"),
    [
        (ONE._replace(name="other", scopes=("t",), save_secret=True), True),
        (ONE._replace(account=Account()), True),
        (ONE._replace(account=Account(object_id="grace")), False),
        (ONE._replace(flow="devicecode"), False),
        (ONE._replace(client_id="another"), False),
        (ONE._replace(tenant_id="fabrikam.com"), False),
        (ONE._replace(cloud=find_cloud("usgov")), False),
    ],
)
def test_alike_means_the_same_sign_in(other: Settings, *, is_like: bool) -> None:
    """
    Two connections are alike if they have the same app, tenant, cloud and flow, and not two different users.
    """
    assert is_like == ONE.is_like(other) == other.is_like(ONE)


@pytest.mark.parametrize(
    ("origin", "is_readable"),
    [
        ({"secret": "env:SECRET"}, True),
        ({"secret": "file:/secret"}, True),
        ({"secret": "argument"}, False),
        ({"secret": "prompt"}, False),
        ({"secret": "stdin"}, False),
        ({"certificate": "argument"}, False),
        ({"path": "/app.pem"}, True),
        ({"path": "/app.pem", "password": "prompt"}, False),
        ({"path": "/app.pem", "password": "env:PASSWORD"}, True),
        ({"vault": "contoso", "vault_secret": "stdin"}, True),
        # The words that stand for a source are names like any other elsewhere.
        ({"name": "prompt"}, True),
        ({"uri": "stdin", "store": "argument"}, True),
        ({}, False),
    ],
)
def test_a_credential_is_readable_unless_its_source_is_gone(origin: dict[str, str], *, is_readable: bool) -> None:
    """
    A secret that was typed, piped or passed can't be read again. The name of a certificate means only itself.
    """
    assert is_readable == ONE._replace(flow="certificate", origin=tuple(origin.items())).has_readable_credential


def test_a_service_is_found_in_the_cloud_of_the_connection() -> None:
    """
    A name means the service of the connection's cloud; a service of the caller is checked.
    """
    government = ONE._replace(cloud=find_cloud("usgov"))

    assert "https://graph.microsoft.us/v1.0" == government.find_service("graph").url
    assert (
        "https://api.contoso.com/v1" == ONE.find_service(Service("mine", "https://api.contoso.com/v1/", "api://x")).url
    )
    with pytest.raises(ParameterError):
        ONE.find_service("mars")
    with pytest.raises(ParameterError):
        ONE.find_service(Service("mine", "http://api.contoso.com", "api://x"))
