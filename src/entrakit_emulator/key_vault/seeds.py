"""Seeds of key vaults: key vaults, certificates, secrets and permissions."""

from __future__ import annotations

import re
from collections.abc import Sequence  # noqa: TC003 read by get_type_hints
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from entrakit_emulator.contoso import TENANT_ID
from entrakit_emulator.state.key_vault import (
    PEM,
    PERMISSIONS,
    PFX,
    KeyVault,
    KeyVaultCertificate,
    KeyVaultSecret,
    new_certificate,
)

if TYPE_CHECKING:
    from entrakit_emulator.world import World

# New names of the steps, and their names in version 0.1.
OLD_NAMES = {
    "add_key_vault": "add_vault",
    "add_key_vault_certificate": "add_vault_certificate",
    "add_key_vault_secret": "add_vault_secret",
    "allow_on_key_vault": "allow_on_vault",
}
KEY_VAULT_STEPS = (*OLD_NAMES, *OLD_NAMES.values())


class KeyVaultSeeds:
    """Steps that change key vaults until the next reset.

    Args:
        world: State of the tenant.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def add_key_vault(self, name: str, *, tenant_id: str = TENANT_ID) -> KeyVault:
        """Add an empty key vault without permissions.

        Args:
            name: Name of the key vault; its URL is `{origin}/keyvault/{name}`.
            tenant_id: Id of the tenant whose tokens are accepted.
        """
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", name):
            raise ValueError(f"{name!r} is not a name of a key vault: use 3 to 24 letters, digits and hyphens.")
        with self._world.lock:
            if tenant_id not in self._world.tenants:
                raise ValueError(f"Unknown tenant {tenant_id!r}.")
            if name.lower() in self._world.key_vaults:
                raise ValueError(f"The key vault {name!r} exists already.")
            vault = KeyVault(name.lower(), tenant_id)
            self._world.key_vaults[vault.name] = vault
            return vault

    def add_key_vault_certificate(
        self,
        vault: str,
        name: str,
        *,
        certificate: str = "",
        private_key: str = "",
        is_exportable: bool = True,
        is_hsm: bool = False,
        content_type: str = PFX,
        is_enabled: bool = True,
    ) -> KeyVaultCertificate:
        """Add a certificate with its key and secret, or a new version of it.

        `add_certificate` registers its `certificate_pem` with an app.

        Args:
            vault: Name of the key vault.
            name: Name of the certificate.
            certificate: The certificate, PEM; a new self-signed one if empty.
            private_key: RSA private key, PEM without a password.
            is_exportable: Whether the secret contains the private key.
            is_hsm: Whether the key has the type RSA-HSM.
            content_type: Content type of the secret: `application/x-pkcs12` or `application/x-pem-file`.
            is_enabled: False for a disabled version.
        """
        if content_type not in (PFX, PEM):
            raise ValueError(f"The content type of a certificate must be {PFX} or {PEM}, not {content_type!r}.")
        one = _read(certificate, private_key) if certificate or private_key else new_certificate(_checked(name))
        with self._world.lock:
            held = self._vault(vault)
            added = replace(
                one, is_exportable=is_exportable, is_hsm=is_hsm, content_type=content_type, is_enabled=is_enabled,
                created=int(self._world.clock.now()),
            )  # fmt: skip
            key = _checked(name)
            if key in held.secrets:
                raise ValueError(f"The key vault already has a secret {name!r}.")
            versions = (*held.certificates.get(key, ()), added)
            self._world.key_vaults[held.name] = replace(held, certificates={**held.certificates, key: versions})
            return added

    def add_key_vault_secret(
        self,
        vault: str,
        name: str,
        value: str,
        *,
        content_type: str = "",
        expires_at: float | None = None,
        is_enabled: bool = True,
    ) -> KeyVaultSecret:
        """Add a plain secret, or a new version of it.

        Args:
            vault: Name of the key vault.
            name: Name of the secret.
            value: The secret.
            content_type: Content type; empty for none.
            expires_at: Seconds since 1970; None for never.
            is_enabled: False for a disabled version.
        """
        key = _checked(name)
        with self._world.lock:
            held = self._vault(vault)
            if key in held.certificates:
                raise ValueError(f"The key vault already has a certificate {name!r}.")
            ends = None if expires_at is None else int(expires_at)
            one = KeyVaultSecret(value, content_type, ends, is_enabled, int(self._world.clock.now()))
            versions = (*held.secrets.get(key, ()), one)
            self._world.key_vaults[held.name] = replace(held, secrets={**held.secrets, key: versions})
            return one

    def allow_on_key_vault(self, vault: str, who: str, *, permissions: Sequence[str] = PERMISSIONS) -> None:
        """Replace the permissions of an app or a user on a key vault.

        Args:
            vault: Name of the key vault.
            who: Client id of an app, or sign-in name of a user.
            permissions: `keys/get`, `keys/list`, `keys/sign`, `certificates/get`, `certificates/list`, `secrets/get`,
                `secrets/list`; an empty list removes all.
        """
        unknown = sorted(set(permissions) - set(PERMISSIONS))
        if unknown:
            raise ValueError(f"Unknown permission {unknown[0]!r}; known permissions: {', '.join(PERMISSIONS)}.")
        with self._world.lock:
            held = self._vault(vault)
            app, user = self._world.apps.get(who.lower()), self._world.find_user(who)
            if app is None and user is None:
                raise ValueError(f"Unknown app or user {who!r}.")
            oid = app.principal_id(held.tenant_id) if app else user.object_id if user else ""
            access = {**held.access, oid: frozenset(permissions)}
            self._world.key_vaults[held.name] = replace(held, access=access)

    add_vault = add_key_vault
    add_vault_certificate = add_key_vault_certificate
    add_vault_secret = add_key_vault_secret
    allow_on_vault = allow_on_key_vault

    def _vault(self, name: str) -> KeyVault:
        vault = self._world.key_vaults.get(name.lower())
        if vault is None:
            raise ValueError(f"Unknown key vault {name!r}.")
        return vault


def _checked(name: str) -> str:
    """Check the name of an object, and return it in lower case.

    Raises:
        ValueError: The name is not valid.
    """
    if not re.fullmatch(r"[A-Za-z0-9-]{1,127}", name):
        raise ValueError(f"{name!r} is not a name of a key, certificate or secret: use letters, digits and hyphens.")
    return name.lower()


def _read(certificate: str, private_key: str) -> KeyVaultCertificate:
    """Read a certificate and its key.

    Raises:
        ValueError: The certificate or the key can't be read, or they do not belong together.
    """
    parsed = x509.load_pem_x509_certificate(certificate.encode())
    key = serialization.load_pem_private_key(private_key.encode(), None)
    if not isinstance(key, RSAPrivateKey) or key.public_key() != parsed.public_key():
        raise ValueError("The private key is not the RSA key of the certificate.")
    return KeyVaultCertificate(parsed, key)
