"""Types of the parameters of `connect()`, by parameter set; `connect()` describes each parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.authority.clouds import Cloud
    from entrakit.certificates import Certificate
    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport
    from entrakit.secret import Secret
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit.vault import Vault

FilePath: TypeAlias = "str | os.PathLike[str]"
CertificateSource: TypeAlias = "Certificate | bytes | tuple[RSAPrivateKey, X509Certificate]"


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
    open_browser: Callable[[str], bool] | None
    on_link: Callable[[str, int], None] | None
    paste: Callable[[str], str] | None


class DeviceCodeParameters(CommonParameters, total=False):
    """Parameters of the set DeviceCode."""

    on_device_code: Callable[[DeviceCode], None] | None


class CertificateParameters(CommonParameters, total=False):
    """Parameters of the set AppCertificate that go with every source of a certificate."""

    certificate_password: str | Secret | None
    send_certificate_chain: bool


class CertificateFileParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_path`."""

    certificate_command: Sequence[str]


class CertificateTokenParameters(CertificateParameters, total=False):
    """Parameters that go with `certificate_uri`."""

    pkcs11_module: str


class CertificateStoreParameters(CertificateTokenParameters, total=False):
    """Parameters that go with `certificate_thumbprint` and `certificate_name`."""

    certificate_store: str


class AzureToolParameters(CommonParameters, total=False):
    """Parameters of the set AzAccount; exactly one of the three must be given."""

    azure_cli: bool
    azd: bool
    azure_powershell: bool


class KeyVaultParameters(CommonParameters, total=False):
    """Parameters of the set KeyVault."""

    key_vault_connection: Required[str]
    key_vault_certificate: str
    key_vault_secret: str | Sequence[str]
    key_vault_key: str
    certificate_path: FilePath
    send_certificate_chain: bool
