"""The command that makes a connection again, from its settings."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.connection.settings import Settings

# Places of a certificate, by the name that the settings store.
_PLACES = {
    "path": "--certificate-path",
    "thumbprint": "--certificate-thumbprint",
    "name": "--certificate-name",
    "uri": "--certificate-uri",
}
_MORE = {
    "store": "--certificate-store",
    "module": "--pkcs11-module",
}
_IN_KEY_VAULT = {
    "vault": "--key-vault",
    "vault_connection": "--key-vault-connection",
    "vault_certificate": "--key-vault-certificate",
    "vault_secret": "--key-vault-secret",
    "vault_key": "--key-vault-key",
    "path": "--certificate-path",
}


def reconnect(settings: Settings, *, with_browser: bool = False) -> str:
    """Return the command that makes a connection again.

    Args:
        settings: Settings of the connection.
        with_browser: Whether to sign in with a browser instead of the flow of the connection.
    """
    words = ["entra", "connect"]
    if settings.name and settings.name != "default":
        words += ["--name", settings.name]
    words += ["--client-id", settings.client_id, "--tenant-id", settings.tenant_id]
    name, at, _ = settings.cloud.name.partition("@")
    words += ["--cloud", name] if name != "global" else []
    words += ["--authority-url", settings.cloud.authority] if at else []
    words += ["--graph-url", settings.cloud.graph_url] if settings.cloud.graph_url else []
    words += ["--resource", settings.resource] if settings.resource != settings.cloud.graph else []
    words += ["--ca-bundle", settings.ca_bundle] if settings.ca_bundle else []
    is_default = settings.scopes == (f"{settings.resource}/User.Read",)
    for scope in () if settings.is_app or is_default else settings.scopes:
        words += ["--scope", scope]
    words += ["--send-certificate-chain"] if settings.send_chain else []
    words += ["--save-secret"] if settings.save_secret else []
    if with_browser:
        return shlex.join([*words, "--browser"])
    return shlex.join([*words, *_flow_options(settings)]) + _note(settings)


def _flow_options(settings: Settings) -> list[str]:
    origin = dict(settings.origin)
    if settings.flow == "browser":
        return ["--browser"]
    if settings.flow == "devicecode":
        return ["--device-code"]
    if settings.flow == "password":
        return ["--username", settings.account.username or "NAME"]
    if "vault" in origin:
        return _options(_IN_KEY_VAULT, origin)
    if settings.flow == "secret":
        kind, _, place = origin.get("secret", "").partition(":")
        if kind == "env":
            return []
        return ["--client-secret-file", place] if kind == "file" else ["--client-secret-stdin"]
    place = next((part for part in _PLACES if part in origin), "")
    if not place:
        return ["--certificate-path", "FILE"]
    words = [_PLACES[place], origin[place], *_options(_MORE, origin)]
    if "command" in origin:
        # The option takes the program and its arguments as one word.
        words += ["--certificate-command", shlex.join(str(word) for word in json.loads(origin["command"]))]
    return words


def _options(table: Mapping[str, str], origin: Mapping[str, str]) -> list[str]:
    return [word for part, option in table.items() if part in origin for word in (option, origin[part])]


def _note(settings: Settings) -> str:
    """Return a comment that names the variable of the secret, if `entra connect` does not read it by itself."""
    kind, _, place = dict(settings.origin).get("secret", "").partition(":")
    if settings.flow == "secret" and kind == "env" and place != "AZURE_CLIENT_SECRET":
        return f"  # with {place} set"
    return ""
