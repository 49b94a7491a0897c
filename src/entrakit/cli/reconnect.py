"""The command that makes a connection again, from its settings."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from entrakit.authority.clouds import CLOUDS, GLOBAL
from entrakit.sign_in.flows import find, way_of
from entrakit.sign_in.parameter_table import BY_NAME
from entrakit.sources import Environment, File, Once
from entrakit.tokens.scopes import resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.connection.settings import Settings


def reconnect(settings: Settings, *, with_browser: bool = False, environ: Mapping[str, str] = os.environ) -> str:
    """Return the command that makes the same connection again.

    Args:
        settings: Settings of the connection.
        with_browser: Whether to sign in with a browser instead of the flow of the connection.
        environ: The environment, which must not select another tenant or address.
    """
    words = ["entra", "connect"]
    if settings.name and settings.name != "default":
        words += with_value("--name", settings.name)
    way = find("browser") if with_browser else way_of(settings)
    parameters = {} if with_browser and settings.is_app else way.parameters_of(settings)
    if "like" in parameters:
        # The other connection has the app, the tenant and the cloud.
        words += with_value("--resource", settings.resource)
    else:
        words += with_value("--client-id", settings.client_id) if way.needs_ids else []
        if settings.tenant_id != way.tenant_id or "AZURE_TENANT_ID" in environ:
            words += with_value("--tenant-id", settings.tenant_id)
        words += _addresses(settings, environ)
    default = find(settings.flow).default_scopes or ("User.Read",)
    is_default = settings.scopes == tuple(f"{settings.resource}/{one}" for one in default)
    if settings.is_app:
        # An app gets everything that it was granted on one resource.
        is_default = {resource_of(scope) for scope in settings.scopes} == {settings.resource}
    for scope in () if is_default else settings.scopes:
        words += with_value("--scope", scope)
    words += ["--save-secret"] if settings.save_secret and not with_browser else []
    if with_browser and settings.is_app:
        words.append("--browser")
    else:
        app = settings.of_app
        if app is not None and "like" not in parameters and not with_browser:
            # Standard input has the token of the user; the command asks for the rest.
            own = way_of(app).parameters_of(app)
            parameters |= {name: True if value is Once.STANDARD_INPUT else value for name, value in own.items()}
        words += [word for name, value in parameters.items() for word in _option(name, value)]
    return shlex.join(words)


def with_value(option: str, value: object) -> list[str]:
    """Return the words for an option and its value: one word if the value alone would be taken for an option."""
    text = str(value)
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


def _addresses(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return the options for the cloud, the resource, and the way to them."""
    name, has = settings.cloud.name.partition("@")[0], settings.cloud
    cloud = next((one for one in CLOUDS if one.name == name), GLOBAL)
    graph_url = has.graph_url or (has.graph if has.graph != cloud.graph else "")
    authority = has.authority if has.authority != cloud.authority else ""
    is_named = cloud is not GLOBAL or ("AZURE_AUTHORITY_HOST" in environ and not authority)
    options = {
        "--cloud": cloud.name if is_named else "",
        "--authority-url": authority,
        "--graph-url": graph_url or (cloud.graph if "ENTRAKIT_GRAPH_URL" in environ else ""),
        "--resource": settings.resource if settings.resource != cloud.graph else "",
        "--ca-bundle": settings.ca_bundle,
        "--proxy": settings.proxy,
    }
    return [word for option, value in options.items() if value for word in with_value(option, value)]


def _option(name: str, value: object) -> list[str]:
    """Return the option for a parameter: of a secret, the one that reads it from where it came.

    Args:
        name: The parameter, or `password`, which belongs to the parameter `credential`.
        value: A string; a tuple for the words of a command; a list of several values; True for a switch; or the source
            of a secret.
    """
    option = f"--{(BY_NAME[name].option if name in BY_NAME else '') or name.replace('_', '-')}"
    base = f"--{name.replace('_', '-')}"
    ways = {way.rpartition("-")[2]: f"--{way}" for way in (BY_NAME[name].ways if name in BY_NAME else ())}
    match value:
        case Environment(variable):
            return with_value(ways.get("env", f"{base}-env"), variable)
        case File(path):
            return with_value(ways.get("file", f"{base}-file"), path)
        case Once.STANDARD_INPUT:
            return [f"{base}-stdin"]
        case Once():
            # It was typed or passed: the command asks for it.
            return []
        case tuple():
            # The option takes the program and its arguments as one word.
            return with_value(ways.get("command", option), shlex.join(str(word) for word in value))
        case list():
            return [word for one in value for word in with_value(option, one)]
    return [option] if value is True else with_value(option, value)
