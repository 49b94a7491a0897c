"""Settings of a connection: which connections are alike, which renew alone, and the services of their cloud."""

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
    ("one", "renews_alone"),
    [
        (ONE, True),
        (ONE._replace(flow="secret", origin=(("secret", "env:SECRET"),)), True),
        (ONE._replace(flow="secret", origin=(("secret", "argument"),)), False),
        (ONE._replace(flow="secret", origin=(("secret", "prompt"),)), False),
        (ONE._replace(flow="secret", origin=(("secret", "stdin"),), save_secret=True), True),
        (ONE._replace(flow="certificate", origin=(("certificate", "argument"),)), False),
        (ONE._replace(flow="certificate", origin=(("path", "/app.pem"),)), True),
    ],
)
def test_a_connection_renews_alone_if_its_credential_can_be_read(one: Settings, *, renews_alone: bool) -> None:
    """
    A user's connection has a refresh token; an app's needs a credential that is saved or can be read again.
    """
    assert renews_alone == one.renews_alone


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
