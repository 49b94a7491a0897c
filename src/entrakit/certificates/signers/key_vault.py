"""Azure Key Vault: a certificate whose key signs in the vault, and certificates and secrets that are fetched.

    GET  {vault}/certificates/{name}       certificate, and which key it has
    POST {vault}/keys/{name}/{version}/sign    PS256; the key never leaves the vault
    GET  {vault}/secrets/{name}            PFX, PEM, or a client secret

Follows the Key Vault REST reference, api-version 7.4. Another connection authenticates: its token goes to the vault
that was named, and nowhere else.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import NamedTuple
from urllib.parse import quote

from entrakit.certificates import Certificate
from entrakit.errors import CertificateError, NetworkError, ParameterError
from entrakit.http.address import Origin, parse_base, path_of
from entrakit.secret import Secret
from entrakit.tokens import base64url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from entrakit.connection import Connection
    from entrakit.tokens.jwt import JSON

    Reach = Callable[[str], AbstractContextManager[Connection]]

API_VERSION = "7.4"
DEFAULT_SUFFIX = "vault.azure.net"
# Where vaults of each cloud are; their resource is `https://` and this.
SUFFIXES = {
    "global": DEFAULT_SUFFIX, "usgov": "vault.usgovcloudapi.net", "usgov-dod": "vault.usgovcloudapi.net",
    "china": "vault.azure.cn", "bleu": "vault.sovcloud-api.fr", "delos": "vault.sovcloud-api.de",
    "govsg": "vault.sovcloud-api.sg",
}  # fmt: skip
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}(?:/[0-9A-Za-z]{1,64})?")
_VAULT_NAME = re.compile(r"[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]")


class KeyVault(NamedTuple):
    """One vault, reached through another connection.

    Args:
        vault: Its name, such as `contoso`, or its `https` URL.
        connection: Name of the kept connection that authenticates.
        reach: Opens a kept connection by its name.
    """

    vault: str
    connection: str
    reach: Reach

    def __repr__(self) -> str:
        return f"KeyVault({self.vault!r}, through={self.connection!r})"

    def certificate(self, name: str) -> Certificate:
        """Return a certificate whose key signs in the vault.

        Args:
            name: Its name, with `/` and a version if it shall not be the newest.

        Raises:
            CertificateError: There is no such certificate, or it may not be read.
            ParameterError: The name or the vault can't be one.
            EntraError: The other connection gives no token; or NetworkError.
        """
        found = self._ask("GET", "certificates", name)
        return self._signed_in_vault(_bytes(found.get("cer")), str(found.get("kid", "")), name)

    def key_for(self, name: str, certificate: bytes) -> Certificate:
        """Return a certificate that was given, whose key in the vault signs; arguments and errors alike.

        Args:
            name: The key's name.
            certificate: The certificate, DER.
        """
        found = self._ask("GET", "keys", name).get("key")
        kid = found.get("kid", "") if isinstance(found, dict) else ""
        return self._signed_in_vault(certificate, str(kid), name)

    def secret(self, name: str) -> Certificate | Secret:
        """Return what a secret holds: a certificate with its key (PFX or PEM), or a client secret.

        Raises:
            CertificateError: There is no such secret, or it can't be used.
            EntraError: The other connection gives no token; or NetworkError.
        """
        found = self._ask("GET", "secrets", name)
        value, kind = str(found.get("value") or ""), str(found.get("contentType") or "")
        if kind == "application/x-pkcs12":
            return Certificate.from_bytes(_bytes(value), None)
        if kind == "application/x-pem-file":
            return Certificate.from_bytes(value.encode("utf-8"), None)
        if not value:
            raise CertificateError(f"The secret {name!r} of the vault is empty.", remedy="Check what is in it.")
        return Secret(value, f"keyvault:{name}")

    def _signed_in_vault(self, der: bytes, kid: str, name: str) -> Certificate:
        from cryptography.x509 import InvalidVersion, load_der_x509_certificate

        path = self._path_of_key(kid)
        try:
            return Certificate(load_der_x509_certificate(der), VaultKey(self, path))
        except (ValueError, InvalidVersion) as error:
            raise CertificateError(f"The certificate {name!r} of the vault is damaged.", remedy="Check it.") from error

    def _path_of_key(self, kid: str) -> str:
        """Return name and version of a key id, which must be this vault's: tokens go nowhere else."""
        # A service behind another address names keys by its own; only the end of an id is used.
        parts = [part for part in path_of(kid).split("/") if part]
        path = "/".join(parts[parts.index("keys") + 1 :]) if "keys" in parts else ""
        if not _NAME.fullmatch(path):
            raise CertificateError("The vault named no key that could sign.", remedy="Name a certificate with a key.")
        return path

    def _ask(
        self, method: str, kind: str, name: str, body: Mapping[str, JSON] | None = None, end: str = ""
    ) -> dict[str, JSON]:
        """Return the JSON object that the vault answers with."""
        if not _NAME.fullmatch(name):
            raise ParameterError(f"{name!r} can't be a name in a vault.", remedy="Give a name, or NAME/VERSION.")
        with self.reach(self.connection) as connection:
            cloud, at, _ = connection.settings.cloud.name.partition("@")
            suffix = SUFFIXES.get(cloud, DEFAULT_SUFFIX)
            origin = vault_url(self.vault, suffix)
            where = Origin.of(origin)
            if not at and not (where and where.host.endswith(f".{suffix}")):
                # Where the token service itself was named by hand, so may the vault be.
                raise ParameterError(
                    f"{origin} is no key vault of the cloud {cloud!r}, so it gets no token.",
                    remedy=f"Name a vault below {suffix}, or authenticate with a connection of the vault's cloud.",
                )
            url = f"{origin}/{kind}/{quote(name)}{end}?api-version={API_VERSION}"
            headers = connection.headers(f"https://{suffix}/.default")
            if body is not None:
                headers["Content-Type"] = "application/json"
            data = None if body is None else json.dumps(body)
            answer = connection.open_transport().send(method, url, headers=headers, body=data)
        if answer.status == 200:
            try:
                found = json.loads(answer.body)
            except ValueError as error:
                raise NetworkError(f"{origin} answered with something else than JSON.", host=origin) from error
            return found if isinstance(found, dict) else {}
        raise _refused(origin, f"{kind}/{name}", answer.status, answer.body)


class VaultKey(NamedTuple):
    """A key in a vault.

    Args:
        vault: The vault.
        path: Name and version.
    """

    vault: KeyVault
    path: str

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature that the vault makes.

        Raises:
            CertificateError: The vault does not sign with this key, or not for this connection.
            EntraError: The other connection gives no token; or NetworkError.
        """
        from hashlib import sha256

        digest = base64url.encode(sha256(message).digest())
        found = self.vault._ask("POST", "keys", self.path, {"alg": "PS256", "value": digest}, "/sign")  # noqa: SLF001 - of this file
        try:
            return base64url.decode(str(found.get("value", "")))
        except ValueError as error:
            raise CertificateError("The vault's signature is not base64.", remedy="Try again.") from error


def vault_url(vault: str, suffix: str) -> str:
    """Return the URL of a vault.

    Args:
        vault: Its name, or its URL.
        suffix: Where vaults of the cloud are.

    Raises:
        ParameterError: It is neither.
    """
    if _VAULT_NAME.fullmatch(vault):
        return f"https://{vault.lower()}.{suffix}"
    remedy = f"Write contoso, or https://contoso.{suffix}."
    try:
        origin, path = parse_base(vault, remedy=remedy)
    except ParameterError as error:
        raise ParameterError("The key vault is neither a name nor an https address.", remedy=remedy) from error
    return f"{origin}{path}"


def _refused(origin: str, what: str, status: int, body: bytes) -> CertificateError:
    try:
        error = json.loads(body)["error"]
        code, message = str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        code, message = f"HTTP {status}", ""
    remedies = {
        401: "Check that the connection is to the vault's tenant.",
        403: "Give the connection the right: get for certificates and secrets, get and sign for keys.",
        404: "Check the name.",
    }
    said = " ".join(word for word in message.split() if word.isprintable())[:200]
    return CertificateError(
        f"{origin} refuses {what}: {code}{f', {said}' if said else ''}", remedy=remedies.get(status, "Try again later.")
    )


def _bytes(value: object) -> bytes:
    try:
        return b64decode(str(value), validate=True)
    except ValueError as error:
        raise CertificateError("The vault's answer is damaged: its certificate is not base64.") from error
