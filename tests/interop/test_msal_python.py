"""Plain MSAL Python against the embedded tenant: the five flows, and renewal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msal
import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant

SCOPES = ["User.Read"]
DEFAULT = ["https://graph.microsoft.com/.default"]


class Session(requests.Session):
    """MSAL's HTTP client, which trusts the tenant and adds the port where MSAL omits it."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = tenant.ca_path
        self._url = tenant.url

    def request(self, method: str | bytes, url: str | bytes, *args: object, **kwargs: object) -> requests.Response:
        # MSAL requests https://{host}/common/userrealm/..., without the port of the authority.
        address = str(url).replace("https://localhost/", f"{self._url}/")
        return super().request(method, address, *args, **kwargs)  # type: ignore[arg-type] # passed on unchanged


@pytest.fixture
def session(tenant: Tenant) -> Iterator[Session]:
    """An HTTP client for MSAL."""
    with Session(tenant) as one:
        yield one


@pytest.fixture
def public(tenant: Tenant, session: Session) -> msal.PublicClientApplication:
    """MSAL as the public app."""
    return msal.PublicClientApplication(
        tenant.public_client,
        authority=f"{tenant.url}/{tenant.tenant_id}",
        http_client=session,
        instance_discovery=False,
    )


def confidential(
    tenant: Tenant, session: Session, credential: str | dict[str, str]
) -> msal.ConfidentialClientApplication:
    """MSAL as the confidential app."""
    return msal.ConfidentialClientApplication(
        tenant.confidential_client,
        authority=f"{tenant.url}/{tenant.tenant_id}",
        client_credential=credential,
        http_client=session,
        instance_discovery=False,
    )


def test_browser(tenant: Tenant, public: msal.PublicClientApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    MSAL's own browser flow works, with its loopback server and form_post.
    """
    person = tenant.person()
    monkeypatch.setattr("msal.oauth2cli.authcode._browse", lambda url, **_: person.open_browser(url))

    result = public.acquire_token_interactive(SCOPES, timeout=30, max_age=600)
    person.wait()

    assert tenant.users.normal.upn == result["id_token_claims"]["preferred_username"]
    assert [] == tenant.journal.violations


def test_device_code(tenant: Tenant, public: msal.PublicClientApplication) -> None:
    """
    The device is signed in after the user approved.
    """
    flow = public.initiate_device_flow(SCOPES)
    tenant.person(tenant.users.mfa).approve_device(flow["user_code"])

    result = public.acquire_token_by_device_flow(flow)

    assert tenant.users.mfa.upn == result["id_token_claims"]["preferred_username"]
    assert [] == tenant.journal.violations


def test_secret(tenant: Tenant, session: Session) -> None:
    """
    The answer has no scope, so that MSAL finds the token in its cache.
    """
    app = confidential(tenant, session, tenant.client_secret)

    first, second = (app.acquire_token_for_client(DEFAULT) for _ in range(2))

    assert ["identity_provider", "cache"] == [first["token_source"], second["token_source"]]


@pytest.mark.parametrize("kind", ["sha256", "sha1", "chain"])
def test_certificate(tenant: Tenant, session: Session, kind: str) -> None:
    """
    PS256 with x5t#S256 and RS256 with x5t are accepted, with and without x5c.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    sha1 = x509.load_pem_x509_certificate(tenant.certificate_pem.encode()).fingerprint(hashes.SHA1()).hex()  # noqa: S303
    credential = {"private_key": tenant.private_key_pem}
    if kind != "sha256":
        credential["thumbprint"] = sha1
    if kind != "sha1":
        credential["public_certificate"] = tenant.certificate_pem

    result = confidential(tenant, session, credential).acquire_token_for_client(DEFAULT)

    assert "access_token" in result, result


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_password(tenant: Tenant, public: msal.PublicClientApplication) -> None:
    """
    A name and a password suffice without a second factor.
    """
    user = tenant.users.normal

    result = public.acquire_token_by_username_password(user.upn, user.password, SCOPES)

    assert user.upn == result["id_token_claims"]["preferred_username"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_password_of_a_person_with_a_second_factor(tenant: Tenant, public: msal.PublicClientApplication) -> None:
    """
    The error tells MSAL what to request next: a number, a suberror, and claims.
    """
    user = tenant.users.mfa

    result = public.acquire_token_by_username_password(user.upn, user.password, SCOPES)

    assert ([50076], "basic_action", True) == (
        result["error_codes"],
        result["suberror"],
        "capolids" in result["claims"],
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_silent_renewal(tenant: Tenant, public: msal.PublicClientApplication) -> None:
    """
    A refresh token of one resource is valid for another.
    """
    user = tenant.users.normal
    public.acquire_token_by_username_password(user.upn, user.password, SCOPES)
    account = public.get_accounts()[0]

    same = public.acquire_token_silent(SCOPES, account, force_refresh=True)
    other = public.acquire_token_silent(["https://management.azure.com//.default"], account)

    assert ["identity_provider"] * 2 == [same["token_source"], other["token_source"]]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_on_behalf_of(tenant: Tenant, public: msal.PublicClientApplication, session: Session) -> None:
    """
    An API gets a token for its caller's user, finds it again in its cache, and renews it with its refresh token.
    """
    user = tenant.users.normal
    given = public.acquire_token_by_username_password(user.upn, user.password, [f"{tenant.api_uri}/Orders.Read"])
    api = msal.ConfidentialClientApplication(
        tenant.api_client,
        authority=f"{tenant.url}/{tenant.tenant_id}",
        client_credential=tenant.api_secret,
        http_client=session,
        instance_discovery=False,
    )

    first = api.acquire_token_on_behalf_of(given["access_token"], SCOPES)
    (account,) = api.get_accounts(user.upn)
    kept = api.acquire_token_silent(SCOPES, account)
    renewed = api.acquire_token_silent(SCOPES, account, force_refresh=True)

    assert user.upn == first["id_token_claims"]["preferred_username"], first
    assert (first["access_token"], "cache") == (kept["access_token"], kept["token_source"])
    assert "identity_provider" == renewed["token_source"], renewed


def test_an_assertion_of_a_callback_signs_an_app_in(tenant: Tenant, session: Session) -> None:
    """
    MSAL sends a token of an outside issuer that a function returns.
    """
    issuer = tenant.add_issuer()
    tenant.seed.add_federated_credential(tenant.confidential_client, issuer.issuer, "me")
    app = msal.ConfidentialClientApplication(
        tenant.confidential_client,
        authority=f"{tenant.url}/{tenant.tenant_id}",
        client_credential={"client_assertion": lambda: issuer.sign("me")},
        http_client=session,
        instance_discovery=False,
    )

    assert "access_token" in app.acquire_token_for_client(DEFAULT)
