"""The command that makes a connection again, from its settings."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from entrakit.authority.clouds import CLOUDS, GLOBAL
from entrakit.tokens.scopes import resource_of

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
    """Return the command that makes the same connection again.

    Args:
        settings: Settings of the connection.
        with_browser: Whether to sign in with a browser instead of the flow of the connection.
    """
    words = ["entra", "connect"]
    if settings.name and settings.name != "default":
        words += ["--name", settings.name]
    words += ["--client-id", settings.client_id, "--tenant-id", settings.tenant_id, *_addresses(settings)]
    is_default = settings.scopes == (f"{settings.resource}/User.Read",)
    if settings.is_app:
        # An app gets everything that it was granted on one resource.
        is_default = {resource_of(scope) for scope in settings.scopes} == {settings.resource}
    for scope in () if is_default else settings.scopes:
        words += ["--scope", scope]
    words += ["--save-secret"] if settings.save_secret and not with_browser else []
    words += _browser(settings) if with_browser else _flow_options(settings)
    return shlex.join(words)


def _addresses(settings: Settings) -> list[str]:
    """Return the options for the cloud, the resource, and the way to them."""
    name, has = settings.cloud.name.partition("@")[0], settings.cloud
    cloud = next((one for one in CLOUDS if one.name == name), GLOBAL)
    graph_url = has.graph_url or (has.graph if has.graph != cloud.graph else "")
    options = {
        "--cloud": cloud.name if cloud.name != "global" else "",
        "--authority-url": has.authority if has.authority != cloud.authority else "",
        "--graph-url": graph_url,
        "--resource": settings.resource if settings.resource != cloud.graph else "",
        "--ca-bundle": settings.ca_bundle,
        "--proxy": settings.proxy,
    }
    return [word for option, value in options.items() if value for word in (option, value)]


def _flow_options(settings: Settings) -> list[str]:
    origin = dict(settings.origin)
    if settings.flow == "browser":
        return _browser(settings)
    if settings.flow == "devicecode":
        return ["--device-code"]
    if settings.flow == "password":
        password = _secret_options("password", origin.get("password", ""))
        return ["--username", settings.account.username or "NAME", *password]
    chain = ["--send-certificate-chain"] if settings.send_chain and settings.flow == "certificate" else []
    if "vault" in origin:
        return _options(_IN_KEY_VAULT, origin) + chain
    if settings.flow == "secret":
        source = origin.get("secret", "")
        if source == "prompt":
            return ["--client-secret"]
        return _secret_options("client-secret", source) or ["--client-secret-stdin"]
    place = next((part for part in _PLACES if part in origin), "")
    if not place:
        return ["--certificate-path", "FILE", *chain]
    words = [_PLACES[place], origin[place], *_options(_MORE, origin)]
    if "command" in origin:
        # The option takes the program and its arguments as one word.
        words += ["--certificate-command", shlex.join(str(word) for word in json.loads(origin["command"]))]
    return [*words, *_secret_options("certificate-password", origin.get("password", "")), *chain]


def _browser(settings: Settings) -> list[str]:
    """Return the options for a sign-in of the same user with a browser."""
    name = settings.account.username
    return ["--browser", "--login-hint", name] if name and not settings.is_app else ["--browser"]


def _secret_options(option: str, origin: str) -> list[str]:
    """Return the options that read a secret from where it came; empty if it was typed, or passed by a program.

    Args:
        option: Beginning of the options, without its dashes.
        origin: Source of the secret, as `Secret.origin` describes it.
    """
    kind, _, place = origin.partition(":")
    if kind in ("env", "file"):
        return [f"--{option}-{kind}", place]
    return [f"--{option}-stdin"] if kind == "stdin" else []


def _options(table: Mapping[str, str], origin: Mapping[str, str]) -> list[str]:
    return [word for part, option in table.items() if part in origin for word in (option, origin[part])]
