"""Identities: tenants, users and app registrations.

All values are immutable. A change replaces the whole value, so that a reader never sees a half-changed one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from entrakit_emulator.jose import thumbprints

if TYPE_CHECKING:
    from collections.abc import Mapping

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
# The resource of tokens that an app of the same service presents as a federated credential of another one, and its
# names in the global cloud, the clouds for the US government and China. Outside issuers use these names as audience.
TOKEN_EXCHANGE_ID = "fb60f99c-7a34-4190-8149-302f77469936"
TOKEN_EXCHANGE_URIS = (
    "api://AzureADTokenExchange",
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
)


@dataclass(frozen=True, slots=True)
class Directory:
    """A tenant.

    Args:
        tenant_id: GUID, lower case.
        name: Display name.
        domains: Verified domains; the first is used for new users.
        region: Value of `tenant_region_scope`.
        cloud: `global`, or the national cloud of the tenant; such a tenant is known, but not served.
        federated: Domains whose users sign in elsewhere.
    """

    tenant_id: str
    name: str
    domains: tuple[str, ...]
    region: str = "EU"
    cloud: str = "global"
    federated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user.

    Args:
        upn: User principal name: the sign-in name.
        password: Password; empty if the user has none here.
        object_id: GUID of the user.
        display_name: Display name.
        tenant_id: Id of the user's tenant.
        mfa_code: Code of the second factor; empty if there is no second factor.
        is_enabled: False for a disabled account.
        is_locked: Whether there were too many wrong passwords.
        is_password_expired: Whether the password must be changed first.
        is_blocked: Whether a conditional access policy blocks every sign-in of the user.
        mail: Mail address; empty if there is none.
        is_admin: Whether the user may consent for all users.
    """

    upn: str
    password: str = field(repr=False)
    object_id: str
    display_name: str
    tenant_id: str
    mfa_code: str = field(default="", repr=False)
    is_enabled: bool = True
    is_locked: bool = False
    is_password_expired: bool = False
    is_blocked: bool = False
    mail: str = ""
    is_admin: bool = False


class Redirect(NamedTuple):
    """A registered redirect URI.

    Args:
        uri: The URI.
        platform: `public` (mobile and desktop), `web` or `spa`.
    """

    uri: str
    platform: str = "public"


class Permission(NamedTuple):
    """A delegated permission of an API.

    Args:
        value: Its name in scopes, such as `User.Read`.
        title: Title on the consent page.
        text: Description on the consent page.
        is_admin_only: Whether only administrators are allowed to consent.
    """

    value: str
    title: str
    text: str
    is_admin_only: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret.

    Args:
        value: The secret.
        key_id: Id of the secret, which is often pasted by mistake.
        expires_at: Seconds since 1970; None for never.
    """

    value: str = field(repr=False)
    key_id: str = ""
    expires_at: float | None = None


class RegisteredCertificate(NamedTuple):
    """A certificate that verifies assertions of an app.

    Args:
        x5t: SHA-1 thumbprint, base64url.
        x5t_s256: SHA-256 thumbprint, base64url.
        public_key: Public key of the certificate.
        not_before: Start of validity, seconds since 1970.
        not_after: End of validity, seconds since 1970.
    """

    x5t: str
    x5t_s256: str
    public_key: RSAPublicKey
    not_before: float
    not_after: float


class ManagedIdentity(NamedTuple):
    """The ids of a managed identity.

    Args:
        name: Display name.
        client_id: Client id of its service principal.
        object_id: Object id of its service principal.
        resource_id: Id of the Azure resource: a user-assigned identity, or the resource with the system-assigned one.
    """

    name: str
    client_id: str
    object_id: str
    resource_id: str

    @property
    def is_user_assigned(self) -> bool:
        """Whether this is a resource that is assigned to others, and not a part of one."""
        return "/userassignedidentities/" in self.resource_id.lower()


class FederatedCredential(NamedTuple):
    """A trusted token of an outside issuer, which an app or a managed identity authenticates with.

    Args:
        credential_id: GUID.
        name: Name, unique in the app.
        issuer: Issuer (`iss`) of the token; compared exactly, like subject and audience.
        subject: Subject (`sub`) of the token.
        audience: Audience (`aud`) of the token.
        description: Description; None if there is none.
    """

    credential_id: str
    name: str
    issuer: str
    subject: str
    audience: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class App:
    """An app registration, with its service principals.

    Args:
        client_id: GUID, lower case.
        name: Display name.
        tenant_id: Id of the tenant with the registration.
        redirects: Registered redirect URIs.
        is_public: Whether public client flows are allowed: device code, password, native redirects.
        is_multi_tenant: Whether users of other tenants are allowed to sign in.
        is_enabled: False for a disabled app.
        needs_assignment: Whether only the users in `assigned` are allowed to sign in.
        assigned: Object ids of the assigned users.
        secrets: Client secrets.
        certificates: Registered certificates.
        identifier_uris: Identifier URIs of the app as a resource; its client id identifies it, too.
        permissions: Delegated permissions of the app as a resource.
        roles: App roles of the app as a resource.
        granted_roles: App roles granted to the app, by the client id of the resource.
        required: Delegated permissions that `.default` requests, by the client id of the resource.
        required_roles: App roles that an administrator's consent grants, by the client id of the resource.
        token_version: Format of access tokens for the app as a resource: 1 or 2.
        is_family: Whether the app shares refresh tokens with other apps (`foci`).
        installed_in: Other tenants with a service principal of the app.
        resource_id: Id of the Azure resource, if this is a managed identity: a service principal without registration.
        federated: Federated credentials.
    """

    client_id: str
    name: str
    tenant_id: str
    redirects: tuple[Redirect, ...] = ()
    is_public: bool = False
    is_multi_tenant: bool = False
    is_enabled: bool = True
    needs_assignment: bool = False
    assigned: frozenset[str] = frozenset()
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[RegisteredCertificate, ...] = ()
    identifier_uris: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    roles: tuple[str, ...] = ()
    granted_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    token_version: int = 2
    is_family: bool = False
    installed_in: frozenset[str] = frozenset()
    resource_id: str = ""
    federated: tuple[FederatedCredential, ...] = ()

    def principal_id(self, tenant_id: str) -> str:
        """Return the object id of its service principal in a tenant."""
        return str(uuid.uuid5(uuid.UUID(tenant_id), self.client_id))

    @property
    def managed_identity(self) -> ManagedIdentity:
        """The ids of the managed identity, if `resource_id` is set."""
        return ManagedIdentity(self.name, self.client_id, self.principal_id(self.tenant_id), self.resource_id)

    def permission(self, value: str) -> Permission | None:
        """Return the delegated permission with a name, in any case."""
        return next((one for one in self.permissions if one.value.lower() == value.lower()), None)


def read_certificate(certificate: bytes) -> RegisteredCertificate:
    """Read a certificate to register, PEM or DER.

    Raises:
        ValueError: The input is not a certificate, or its key is not an RSA key.
    """
    if certificate.lstrip().startswith(b"-----BEGIN"):
        parsed = x509.load_pem_x509_certificate(certificate)
    else:
        parsed = x509.load_der_x509_certificate(certificate)
    public_key = parsed.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise ValueError("Only certificates with RSA keys can be registered.")  # noqa: TRY004 a value of a known type
    x5t, x5t_s256 = thumbprints(parsed.public_bytes(serialization.Encoding.DER))
    return RegisteredCertificate(
        x5t,
        x5t_s256,
        public_key,
        parsed.not_valid_before_utc.timestamp(),
        parsed.not_valid_after_utc.timestamp(),
    )
