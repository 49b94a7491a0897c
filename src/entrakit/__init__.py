"""Connect to Microsoft Entra ID, save the connection, and run requests on it.

    from entrakit import connect

    connection = connect(client_id="…", tenant_id="contoso.com", client_secret="…")
    connection.token().access_token

Names are loaded when they are first used (PEP 562), so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.authority.clouds import Cloud
    from entrakit.certificates import Certificate
    from entrakit.connecting import connect
    from entrakit.connection import Connection
    from entrakit.connections import disconnect, get_connection, list_connections
    from entrakit.errors import EntraError
    from entrakit.http.transport import Transport
    from entrakit.secret import Credential, Secret, UsernamePassword
    from entrakit.tokens.token import Token
    from entrakit.version import __version__

_HOME = {
    "Certificate": "certificates",
    "Cloud": "authority.clouds",
    "Connection": "connection",
    "Credential": "secret",
    "EntraError": "errors",
    "Secret": "secret",
    "Token": "tokens.token",
    "Transport": "http.transport",
    "UsernamePassword": "secret",
    "__version__": "version",
    "connect": "connecting",
    "disconnect": "connections",
    "get_connection": "connections",
    "list_connections": "connections",
}

__all__ = [
    "Certificate",
    "Cloud",
    "Connection",
    "Credential",
    "EntraError",
    "Secret",
    "Token",
    "Transport",
    "UsernamePassword",
    "__version__",
    "connect",
    "disconnect",
    "get_connection",
    "list_connections",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
