"""Azure Key Vault: a signer with its key in the key vault, and certificates and secrets that are read from there.

    GET  {key vault}/certificates/{name}           certificate, and the id of its key
    GET  {key vault}/keys/{name}                   id of the newest version of a key
    POST {key vault}/keys/{name}/{version}/sign    PS256 signature; the key never leaves the key vault
    GET  {key vault}/secrets/{name}                certificate with key (PFX or PEM), or a client secret

Follows the Key Vault REST reference. Requests go through a client of a saved connection, which authenticates, retries,
and sends its token only to the named key vault.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import CertificateError, GraphError, ParameterError, ServiceUnavailableError
from entrakit.http.address import path_of
from entrakit.secret import Secret, cleaned
from entrakit.services.request import call
from entrakit.services.service import find_service
from entrakit.shown_text import one_line
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.services.connected import OpenConnection

_OBJECT_NAME = re.compile(r"[0-9A-Za-z-]{1,127}(?:/[0-9A-Za-z]{1,64})?")
_REMEDIES = {
    401: "Check that the connection is to the tenant of the key vault.",
    403: "Give the connection the right to get certificates and secrets, and to get keys and sign with them.",
    404: "Check the name.",
}


class KeyVault(NamedTuple):
    """A key vault, accessed through another connection.

    Args:
        key_vault: Name of the key vault, such as `contoso`, or its https address.
        connection: Name of the saved connection that authenticates.
        open_connection: Function that opens a saved connection by its name.
    """

    key_vault: str
    connection: str
    open_connection: OpenConnection

    def __repr__(self) -> str:
        return f"KeyVault({self.key_vault!r}, connection={self.connection!r})"

    def certificate(self, name: str) -> tuple[X509Certificate, KeyVaultKey]:
        """Return a certificate, and the signer with its key.

        Args:
            name: Name of the certificate, or `NAME/VERSION`; without a version, the newest one is used.

        Raises:
            CertificateError: The certificate does not exist, is damaged, or the connection is not allowed to read it.
            ParameterError: The name or the key vault is invalid.
            EntraError: The connection can't get a token, or the key vault does not answer.
        """
        from cryptography.x509 import InvalidVersion

        from entrakit.certificates.reading.lenient import load_certificate

        found = self.send("GET", "certificates", name)
        der, key = _bytes(found.get("cer")), KeyVaultKey(self, _key_path(str(found.get("kid", ""))))
        try:
            return load_certificate(der), key
        except (ValueError, InvalidVersion) as error:
            raise CertificateError(
                f"The certificate {name!r} of the key vault is damaged.", remedy="Check the certificate."
            ) from error

    def key(self, name: str) -> KeyVaultKey:
        """Return the signer with a key; arguments and errors as for `certificate`."""
        found = self.send("GET", "keys", name).get("key")
        key_id = found.get("kid", "") if isinstance(found, dict) else ""
        return KeyVaultKey(self, _key_path(str(key_id)))

    def secret(self, name: str) -> bytes | Secret:
        """Return the content of a secret: a certificate file with its key (PFX or PEM) as bytes, or a client secret.

        Args:
            name: Name of the secret, or `NAME/VERSION`; without a version, the newest one is used.

        Raises:
            CertificateError: The secret does not exist, is empty, or the connection is not allowed to read it.
            EntraError: As for `certificate`.
        """
        found = self.send("GET", "secrets", name)
        value, kind = str(found.get("value") or ""), str(found.get("contentType") or "")
        if kind == "application/x-pkcs12":
            return _bytes(value)
        if kind == "application/x-pem-file":
            return value.encode("utf-8")
        if not value:
            raise CertificateError(
                f"The secret {name!r} of the key vault is empty.", remedy="Check the value of the secret."
            )
        return Secret(cleaned(value) or value, f"keyvault:{name}")

    def send(self, method: str, kind: str, name: str, action: str = "", body: object = None) -> dict[str, object]:
        """Send a request to the key vault, and return the JSON object of the response.

        Args:
            method: HTTP method.
            kind: Kind of the object: `certificates`, `keys` or `secrets`.
            name: Name of the object, or `NAME/VERSION`.
            action: Action on the object, such as `sign`; empty for none.
            body: Value to send as JSON; None for nothing.

        Raises:
            CertificateError: The key vault refuses the request.
            ParameterError: The name or the key vault is invalid.
            EntraError: The connection can't get a token, or the key vault does not answer.
        """
        if not _OBJECT_NAME.fullmatch(name):
            raise ParameterError(
                f"{name!r} is not a name in a key vault.", remedy="Give a name, or a name and a version: NAME/VERSION."
            )
        path = "/".join(filter(None, (kind, name, action)))
        with self.open_connection(self.connection) as connection:
            service = find_service("key-vault", connection.info.cloud, key_vault=self.key_vault)
            client = connection.service(service)
            try:
                found: object = client.run(call(service, method, f"/{path}", body=body))
            except GraphError as error:
                reason = ", ".join(filter(None, (error.code or f"HTTP {error.status}", one_line(error.message, 200))))
                raise CertificateError(
                    f"{service.url} refuses {kind}/{name}: {reason}",
                    remedy=_REMEDIES.get(error.status, "Try again later."),
                ) from error
            except ServiceUnavailableError as error:
                raise CertificateError(error.problem, remedy="Try again later.") from error
        return found if isinstance(found, dict) else {}


class KeyVaultKey(NamedTuple):
    """A key in a key vault, as a signer.

    Args:
        key_vault: The key vault.
        path: Name and version of the key.
    """

    key_vault: KeyVault
    path: str

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature that the key vault makes of a message.

        Raises:
            CertificateError: The key vault does not sign with this key, or not for this connection.
            EntraError: The connection can't get a token, or the key vault does not answer.
        """
        from hashlib import sha256

        body = {"alg": "PS256", "value": base64url.encode(sha256(message).digest())}
        found = self.key_vault.send("POST", "keys", self.path, "sign", body)
        try:
            return base64url.decode(str(found.get("value", "")))
        except ValueError as error:
            raise CertificateError("The signature of the key vault is not base64.", remedy="Try again.") from error


def _key_path(key_id: str) -> str:
    """Return name and version of a key from its id.

    The host of the id is ignored: behind another address, a key vault still uses its own host in ids. Requests go only
    to the key vault that the user named.
    """
    parts = [part for part in path_of(key_id).split("/") if part]
    path = "/".join(parts[parts.index("keys") + 1 :]) if "keys" in parts else ""
    if not _OBJECT_NAME.fullmatch(path):
        raise CertificateError(
            "The key vault named no key that can sign.", remedy="Name a certificate that has a key in the key vault."
        )
    return path


def _bytes(value: object) -> bytes:
    try:
        return b64decode(str(value), validate=True)
    except ValueError as error:
        raise CertificateError("The response of the key vault is damaged: the certificate is not base64.") from error
