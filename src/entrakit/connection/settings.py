"""Everything about a connection that is not secret: how it was made, and how to make it again.

It is kept in the clear beside the sealed part, so that listing and choosing connections need no key.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.authority.clouds import Cloud
from entrakit.errors import VaultError
from entrakit.tokens.token import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.tokens.jwt import JSON

DELEGATED_FLOWS = ("browser", "devicecode", "password")
APP_FLOWS = ("certificate", "secret")


class Settings(NamedTuple):
    """How a connection was made.

    Args:
        name: Its name; empty for one that lives in memory only.
        flow: `browser`, `devicecode`, `certificate`, `secret` or `password`.
        client_id: The app.
        tenant_id: The tenant as it was asked for.
        directory_id: The tenant's id; empty where many tenants were meant and nobody has signed in.
        cloud: Where the token service is.
        scopes: What `token()` asks for when it is not told otherwise.
        resource: What bare permissions belong to.
        account: Who it stands for.
        origin: Where the proof came from, by part: `{"secret": "env:AZURE_CLIENT_SECRET"}`.
        save_secret: The proof is kept, sealed, in the vault.
        send_chain: Send the certificate's chain.
        ca_bundle: Path of the trusted CA certificates; empty for the system's.
        proxy: Address of the proxy; empty for the environment's.
        connected_at: When a proof was last shown to the service, in seconds since 1970.
        expires_at: When the default token ends, in seconds since 1970.
    """

    name: str
    flow: str
    client_id: str
    tenant_id: str
    cloud: Cloud
    scopes: tuple[str, ...]
    resource: str = "https://graph.microsoft.com"
    directory_id: str = ""
    account: Account = Account()
    origin: tuple[tuple[str, str], ...] = ()
    save_secret: bool = False
    send_chain: bool = False
    ca_bundle: str = ""
    proxy: str = ""
    connected_at: float = 0.0
    expires_at: float = 0.0

    @property
    def renews_alone(self) -> bool:
        """Whether a later process can renew it: for an app, whether what it proves itself with is to be had again."""
        is_gone = not {"argument", "prompt", "stdin"}.isdisjoint(dict(self.origin).values())
        return not self.is_app or self.save_secret or not is_gone

    @property
    def is_app(self) -> bool:
        """Whether the app signs in as itself, without a person."""
        return self.flow in APP_FLOWS

    def is_like(self, other: Settings) -> bool:
        """Return whether both are of the same app, tenant, cloud and flow, and not of two different people."""
        fields = ("flow", "client_id", "tenant_id", "cloud")
        people = {self.account.object_id, other.account.object_id} - {""}
        return len(people) < 2 and all(getattr(self, name) == getattr(other, name) for name in fields)

    def to_json(self) -> dict[str, JSON]:
        """Return it as plain values; `from_json` reads them."""
        return {
            "flow": self.flow,
            "client_id": self.client_id,
            "tenant_id": self.tenant_id,
            "directory_id": self.directory_id,
            "cloud": [
                self.cloud.name,
                self.cloud.authority,
                self.cloud.graph,
                list(self.cloud.aliases),
                self.cloud.graph_url,
            ],
            "scopes": list(self.scopes),
            "resource": self.resource,
            "account": list(self.account),
            "origin": dict(self.origin),
            "save_secret": self.save_secret,
            "send_chain": self.send_chain,
            "ca_bundle": self.ca_bundle,
            "proxy": self.proxy,
            "connected_at": self.connected_at,
            "expires_at": self.expires_at,
        }


def settings_from(name: str, metadata: Mapping[str, JSON]) -> Settings:
    """Return the settings of a kept connection.

    Args:
        name: Its name.
        metadata: What `Settings.to_json` gave.

    Raises:
        VaultError: They are not what was written.
    """
    try:
        cloud_name, authority, graph, aliases, graph_url = _list(metadata["cloud"])
        settings = Settings(
            name=name,
            flow=str(metadata["flow"]),
            client_id=str(metadata["client_id"]),
            tenant_id=str(metadata["tenant_id"]),
            directory_id=str(metadata["directory_id"]),
            cloud=Cloud(str(cloud_name), str(authority), str(graph), tuple(map(str, _list(aliases))), str(graph_url)),
            scopes=tuple(str(scope) for scope in _list(metadata["scopes"])),
            resource=str(metadata["resource"]),
            account=Account(*(str(part) for part in _list(metadata["account"]))),
            origin=tuple((part, str(where)) for part, where in _mapping(metadata["origin"]).items()),
            save_secret=metadata["save_secret"] is True,
            send_chain=metadata["send_chain"] is True,
            ca_bundle=str(metadata["ca_bundle"]),
            proxy=str(metadata["proxy"]),
            connected_at=_number(metadata["connected_at"]),
            expires_at=_number(metadata["expires_at"]),
        )
        # What can't be written would stop a listing of all the others.
        "".join((settings.tenant_id, *settings.cloud[:3], *settings.account, *settings.scopes)).encode("utf-8")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(name) from error
    if settings.flow not in DELEGATED_FLOWS + APP_FLOWS:
        raise _damaged(name)
    return settings


def _list(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _mapping(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e13 < value < 1e13:
        raise TypeError
    return float(value)


def _damaged(name: str) -> VaultError:
    return VaultError(
        f"The kept connection {name!r} does not say how it was made.",
        remedy=f"Remove it with `disconnect({name!r})`, then connect again.",
    )
