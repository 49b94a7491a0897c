"""What a tenant holds: directories, people, app registrations, and what was granted to whom.

All are immutable; a change replaces the whole value, so that a reader never sees half of one.
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


@dataclass(frozen=True, slots=True)
class Directory:
    """A tenant.

    Args:
        tenant_id: GUID, lower case.
        name: Its display name.
        domains: Verified domains; the first is the one of its people.
        region: What `tenant_region_scope` says.
        cloud: `global`, or the national cloud it lives in; then it is not served here, only named.
        federated: Domains whose people sign in elsewhere.
    """

    tenant_id: str
    name: str
    domains: tuple[str, ...]
    region: str = "EU"
    cloud: str = "global"
    federated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Args:
        upn: User principal name: the sign-in name.
        password: Password; empty for a person who has none here.
        object_id: GUID of the person.
        display_name: Name shown.
        tenant_id: Tenant that the person is in.
        mfa_code: What the second step of sign-in asks for; empty where there is no second step.
        is_enabled: False for a disabled account.
        is_locked: True after too many wrong passwords.
        is_password_expired: True where the password must be changed first.
        is_blocked: True where a conditional access policy lets the person in nowhere.
        mail: Mail address; empty for none.
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


class Redirect(NamedTuple):
    """A registered redirect URI.

    Args:
        uri: The URI.
        platform: `public` (mobile and desktop), `web` or `spa`.
    """

    uri: str
    platform: str = "public"


class Permission(NamedTuple):
    """A delegated permission that an API offers.

    Args:
        value: Its name in scopes, such as `User.Read`.
        title: What the consent page calls it.
        text: What the consent page says about it.
        is_admin_only: True where only an administrator may consent.
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
        key_id: Its id, which people paste by mistake.
        expires_at: Seconds since 1970; None for never.
    """

    value: str = field(repr=False)
    key_id: str = ""
    expires_at: float | None = None


class RegisteredCertificate(NamedTuple):
    """A certificate that an app may sign assertions with.

    Args:
        x5t: SHA-1 thumbprint, base64url.
        x5t_s256: SHA-256 thumbprint, base64url.
        public_key: Key that verifies.
        not_before: Start of validity, seconds since 1970.
        not_after: End of validity, seconds since 1970.
    """

    x5t: str
    x5t_s256: str
    public_key: RSAPublicKey
    not_before: float
    not_after: float


@dataclass(frozen=True, slots=True)
class App:
    """An app registration, with its service principals.

    Args:
        client_id: GUID, lower case.
        name: Name shown.
        tenant_id: Tenant that it is registered in.
        redirects: Registered redirect URIs.
        is_public: True where public client flows are allowed: device code, password, native redirects.
        is_multi_tenant: True where people of other tenants may sign in.
        is_enabled: False for a disabled app.
        needs_assignment: True where only `assigned` people may sign in.
        assigned: Object ids of those.
        secrets: Client secrets.
        certificates: Registered certificates.
        identifier_uris: What names it as a resource, beside its client id.
        permissions: Delegated permissions that it offers.
        roles: App roles that it offers.
        granted_roles: App roles that were granted to it, by the client id of the resource.
        required: Delegated permissions that `.default` asks for, by the client id of the resource.
        token_version: Format of access tokens for it as a resource: 1 or 2.
        is_family: True for apps that share refresh tokens (`foci`).
        installed_in: Tenants other than its own that have a service principal of it.
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
    token_version: int = 2
    is_family: bool = False
    installed_in: frozenset[str] = frozenset()

    def principal_id(self, tenant_id: str) -> str:
        """Return the object id of its service principal in a tenant."""
        return str(uuid.uuid5(uuid.UUID(tenant_id), self.client_id))

    def permission(self, value: str) -> Permission | None:
        """Return the delegated permission of a name, whatever its case."""
        return next((one for one in self.permissions if one.value.lower() == value.lower()), None)


def read_certificate(certificate: bytes) -> RegisteredCertificate:
    """Read a certificate to register, PEM or DER.

    Raises:
        ValueError: It is no certificate, or its key is not RSA.
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
