"""Types of the parameters of `connect()`, by parameter set; `connect()` describes each parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.authority.clouds import Cloud
    from entrakit.certificates import Certificate
    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport
    from entrakit.secret import Secret, UsernamePassword
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit.sign_in.flows.federated import Source
    from entrakit.vault import Vault

FilePath: TypeAlias = "str | os.PathLike[str]"
CertificateSource: TypeAlias = "Certificate | bytes | tuple[RSAPrivateKey, X509Certificate]"
FederatedSource: TypeAlias = "Source"


class CommonParameters(TypedDict, total=False):
    """Parameters that go with every set."""

    scopes: Sequence[str]
    cloud: str | Cloud
    authority_url: str
    graph_url: str
    resource: str
    ca_bundle: FilePath | None
    timeout: float | None
    fallback: str
    name: str | None
    ensure: bool
    save_secret: bool
    on_replace: Callable[..., None] | None
    on_sign_in: Callable[..., None] | None
    transport: Transport | None
    vault: Vault | None
    clock: Clock


class BrowserParameters(CommonParameters, total=False):
    """Parameters of the set Browser."""

    browser: bool
    port: int
    login_hint: str
    domain_hint: str
    prompt: str
    redirect_uri: str
    open_browser: Callable[[str], bool] | None
    on_link: Callable[[str, int], None] | None
    paste: Callable[[str], str] | None


class EitherParameters(CommonParameters, total=False):
    """Parameters of the set BrowserOrDeviceCode."""

    browser_or_device_code: Required[Literal[True]]
    port: int
    login_hint: str
    domain_hint: str
    prompt: str
    redirect_uri: str
    open_browser: Callable[[str], bool] | None
    on_link: Callable[[str, int], None] | None
    on_device_code: Callable[[DeviceCode], None] | None


class DeviceCodeParameters(CommonParameters, total=False):
    """Parameters of the set DeviceCode."""

    device_code: Required[Literal[True]]
    on_device_code: Callable[[DeviceCode], None] | None


class CertificateParameters(CommonParameters, total=False):
    """Parameters of the set AppCertificate that go with every source of a certificate."""

    certificate_password: str | Secret | None
    send_certificate_chain: bool


class CertificateValueParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate`."""

    certificate: Required[CertificateSource]


class CertificateFileParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_path`."""

    certificate_path: Required[FilePath]
    certificate_command: Sequence[str]
    certificate_thumbprint: str


class CertificateTokenParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_uri`."""

    certificate_uri: Required[str]
    pkcs11_module: str


class CertificateThumbprintParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_thumbprint`."""

    certificate_thumbprint: Required[str]
    certificate_store: str
    pkcs11_module: str


class CertificateNameParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_name`."""

    certificate_name: Required[str]
    certificate_store: str
    pkcs11_module: str


class ClientSecretParameters(CommonParameters, total=False):
    """Parameters of the set AppSecret."""

    client_secret: Required[str | Secret]


class PasswordParameters(CommonParameters, total=False):
    """Parameters of the set UsernamePassword."""

    credential: Required[UsernamePassword]


class AccessTokenParameters(CommonParameters, total=False):
    """Parameters of the set AccessToken."""

    access_token: Required[str | Secret]


class AppParameters(CommonParameters, total=False):
    """Parameters of the credential of an app, in addition to a token of a user."""

    certificate: CertificateSource
    certificate_thumbprint: str
    certificate_name: str
    certificate_path: FilePath
    certificate_uri: str
    certificate_password: str | Secret | None
    certificate_store: str
    pkcs11_module: str
    certificate_command: Sequence[str]
    key_vault: str
    key_vault_connection: str
    key_vault_certificate: str
    key_vault_secret: str | Sequence[str]
    key_vault_key: str
    send_certificate_chain: bool
    client_secret: str | Secret
    federated: FederatedSource
    service_connection_id: str


class OtherConnection(Protocol):
    """A `Connection`, as `like` takes it."""

    def disconnect(self) -> None:
        """Remove the connection from the vault, and forget its secrets."""


class LikeParameters(CommonParameters, total=False):
    """Parameters of the set Like."""

    like: Required[OtherConnection | str]


class BehalfParameters(AppParameters, total=False):
    """Parameters of the set OnBehalfOf."""

    on_behalf_of: Required[str | Secret]
    like: OtherConnection | str


class RefreshTokenParameters(AppParameters, total=False):
    """Parameters of the set RefreshToken."""

    refresh_token: Required[str | Secret]


class AzureToolParameters(CommonParameters, total=False):
    """Parameters of the set AzAccount; exactly one of the three must be given."""

    azure_cli: bool
    azd: bool
    azure_powershell: bool


class FederatedParameters(CommonParameters, total=False):
    """Parameters of the set Federated."""

    federated: Required[FederatedSource]
    service_connection_id: str


class IdentityParameters(CommonParameters, total=False):
    """Parameters of the set Identity."""

    managed_identity: Required[Literal[True] | str]
    identity_type: Literal["client_id", "object_id", "resource_id"]


class AutomaticParameters(CommonParameters, total=False):
    """Parameters of the set Automatic."""

    automatic: Required[Literal[True]]
    on_passed_over: Callable[[str, str], None] | None


class KeyVaultParameters(CommonParameters, total=False):
    """Parameters of the set KeyVault."""

    key_vault: Required[str]
    key_vault_connection: Required[str]
    key_vault_certificate: str
    key_vault_secret: str | Sequence[str]
    key_vault_key: str
    certificate_path: FilePath
    send_certificate_chain: bool
