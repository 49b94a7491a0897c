"""Addresses of shared vaults on Redis. They are parsed and judged here, and nowhere else.

    redis://[user:password@]host[:6379][/database]                            one server
    redis+sentinel://[user:password@]host[:26379][,host…]/service[/database]  the master that sentinels name
    redis+cluster://[user:password@]host[:6379][,host…]                       a cluster

With `rediss` in place of `redis`, all connections are encrypted (TLS). User and password are those of the servers;
`sentinel_username` and `sentinel_password` are those of the sentinels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from entrakit.errors import ParameterError
from entrakit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
PORTS = {"redis": 6379, "sentinel": 26379, "cluster": 6379}
_LOOPBACK = re.compile(r"localhost|::1|127(\.[0-9]{1,3}){3}", re.IGNORECASE)
_REMEDY = (
    "Use the form rediss://user:password@host:6379/0, rediss+sentinel://user:password@host1,host2:26379/service/0 or "
    "rediss+cluster://user:password@host1,host2:6379; without TLS, redis in place of rediss. "
    "For a folder with a colon in its name, use its complete path."
)


class RedisAddress(NamedTuple):
    """The address of a shared vault.

    Args:
        kind: `redis`, `sentinel` or `cluster`.
        is_encrypted: Whether all connections use TLS.
        hosts: Names and ports: of the server, of the sentinels, or of some nodes of the cluster.
        username: User of the servers; empty for the default user.
        password: Password of the servers; None if there is none.
        database: Number of the database.
        service: Name of the master, as the sentinels know it; empty without sentinels.
        sentinel_username: User of the sentinels; empty for the default user.
        sentinel_password: Password of the sentinels; None if there is none.
        files: TLS options and the files that they name.
    """

    kind: str
    is_encrypted: bool
    hosts: tuple[tuple[str, int], ...]
    username: str = ""
    password: Secret | None = None
    database: int = 0
    service: str = ""
    sentinel_username: str = ""
    sentinel_password: Secret | None = None
    files: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"RedisAddress({self.place!r})"

    @property
    def scheme(self) -> str:
        """The scheme of the address."""
        return ("rediss" if self.is_encrypted else "redis") + ("" if self.kind == "redis" else f"+{self.kind}")

    @property
    def place(self) -> str:
        """The address for display, without user, passwords and options."""
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        path = {"sentinel": f"/{self.service}/{self.database}", "cluster": ""}.get(self.kind, f"/{self.database}")
        return f"{self.scheme}://{hosts}{path}"

    @property
    def is_plain(self) -> bool:
        """Whether passwords and metadata are sent to another machine without encryption."""
        return not self.is_encrypted and any(not _LOOPBACK.fullmatch(host) for host, _ in self.hosts)


def parse(url: str) -> RedisAddress:
    """Return the parts of an address.

    Raises:
        ParameterError: The address is invalid. The error does not repeat it, because it may hold a password.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        # Not repeated: the rest of a mistyped address may be a password.
        raise ParameterError("The vault address is not a valid address.", remedy=_REMEDY)
    tls, _, kind = scheme.lower().partition("+")
    if tls not in ("redis", "rediss") or scheme.endswith("+") or (kind or "redis") not in PORTS or kind == "redis":
        raise ParameterError(f"A vault address can't begin with {scheme}://.", remedy=_REMEDY)
    kind = kind or "redis"
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    netloc, _, path = rest.partition("/")
    user, _, hosts = netloc.rpartition("@")
    username, _, password = user.partition(":")
    options = _options(
        query, (TLS_OPTIONS if tls == "rediss" else ()) + (SENTINEL_OPTIONS if kind == "sentinel" else ())
    )
    service, database = _path(kind, path)
    if fragment:
        raise ParameterError("The vault address has a part after #.", remedy="In a password write # as %23.")
    return RedisAddress(
        kind,
        tls == "rediss",
        _hosts(hosts.split(",") if kind != "redis" else [hosts], PORTS[kind]),
        unquote(username),
        Secret(unquote(password)) if password else None,
        database,
        service,
        options.get("sentinel_username", ""),
        Secret(options["sentinel_password"]) if options.get("sentinel_password") else None,
        tuple((name, file) for name, file in options.items() if name in TLS_OPTIONS),
    )


def _hosts(texts: Sequence[str], default: int) -> tuple[tuple[str, int], ...]:
    found = []
    for text in texts:
        try:
            parts = urlsplit(f"//{text}")
            host, port = parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError:
            # Without its cause, because that repeats a part of the address.
            raise ParameterError("The vault address is not a valid address.", remedy=_REMEDY) from None
        if not host or port == 0 or any(letter.isspace() or letter == "," for letter in text):
            raise ParameterError("The vault address has no host, or a host that can't be one.", remedy=_REMEDY)
        found.append((host, port or default))
    return tuple(found)


def _path(kind: str, path: str) -> tuple[str, int]:
    """Return the service and the number of the database that the path of an address names."""
    words = [word for word in path.split("/") if word]
    service = unquote(words.pop(0)) if kind == "sentinel" and words else ""
    # The letters that a sentinel accepts in the name of a master.
    if kind == "sentinel" and not re.fullmatch("[A-Za-z0-9._-]+", service):
        raise ParameterError("The vault address does not name the service that the sentinels watch.", remedy=_REMEDY)
    number = words[0] if len(words) == 1 else "x" if words else "0"
    if not re.fullmatch("[0-9]{1,9}", number):
        raise ParameterError("The vault address has a path that is not a database number.", remedy=_REMEDY)
    if kind == "cluster" and int(number):
        raise ParameterError("A cluster has database 0 only.", remedy=_REMEDY)
    return service, int(number)


def _options(query: str, known: Sequence[str]) -> dict[str, str]:
    """Return the options of an address, each at most once."""
    # A plus sign is not a space here: it may belong to a password.
    given = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    names = [name for name, _ in given]
    if set(names) - set(known) or len(set(names)) < len(names):
        # Not repeated: it may be the rest of a password with a question mark.
        raise ParameterError(
            "The vault address has an unknown option.",
            remedy=f"The options are {', '.join(TLS_OPTIONS)}, for rediss only, and {', '.join(SENTINEL_OPTIONS)}, for "
            "sentinels only; the certificate is always checked. In a password write ? as %3F, # as %23 and / as %2F.",
        )
    return dict(given)


def unencrypted(place: str, variable: str) -> ParameterError:
    """Return the error for an unencrypted server on another host, which the variable allows."""
    return ParameterError(
        f"The vault {place} is on another host, and redis:// sends the password and all entries unencrypted.",
        remedy="Name the server with rediss:// in ENTRAKIT_VAULT. If the network between the hosts is protected by "
        f"other means, set {variable}=1.",
    )
