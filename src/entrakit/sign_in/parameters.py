"""The parameter sets of `connect()`: exactly one of them must match what was given.

| Set | Chosen by | May go with it |
|---|---|---|
| Browser | `browser`, or nothing at all | `port`, `login_hint`, `domain_hint`, `prompt`, `open_browser`, `on_link`, |
|  | | `paste` |
| DeviceCode | `device_code` | `on_device_code` |
| AppCertificate | one of `certificate`, `certificate_thumbprint`, `certificate_name`, `certificate_path`, |
|  | `certificate_uri` | `certificate_password` (of a file or a token), `send_certificate_chain`, |
|  | | `certificate_store` (with a thumbprint or name), `pkcs11_module`, `certificate_command` (with a path) |
| KeyVault | one of `key_vault_certificate`, `key_vault_secret`, `key_vault_key` | `key_vault` and |
|  | | `key_vault_connection`, which are needed; `send_certificate_chain`; `certificate_path` (with a key) |
| AppSecret | `client_secret` | |
| UsernamePassword | `credential` | |

All else goes with every set; `scopes` are for people, and an app is told that they are ignored.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.errors import ParameterError, ParameterSetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ParameterSet(NamedTuple):
    """One way to call `connect()`.

    Args:
        name: Its name, as the original command calls it.
        flow: The flow that it leads to.
        chosen_by: Parameters that choose it.
        options: Parameters that it takes besides.
    """

    name: str
    flow: str
    chosen_by: tuple[str, ...]
    options: tuple[str, ...] = ()


# Empty, or 0, is the same as left out; for anything that chooses a set it is not.
OPTIONAL_TEXTS = (
    *("port", "login_hint", "domain_hint", "prompt", "certificate_store", "pkcs11_module", "certificate_command"),
    *("key_vault", "key_vault_connection"),
)

CERTIFICATE_SOURCES = (
    *("certificate", "certificate_thumbprint", "certificate_name", "certificate_path", "certificate_uri"),
)
KEY_VAULT_SOURCES = ("key_vault_certificate", "key_vault_secret", "key_vault_key")
IN_STORES = ("certificate_thumbprint", "certificate_name")
# Which sources of a certificate an option goes with.
GOES_WITH = {
    "certificate_store": IN_STORES,
    "pkcs11_module": (*IN_STORES, "certificate_uri"),
    "certificate_command": ("certificate_path",),
}

SETS = (
    ParameterSet(
        "Browser",
        "browser",
        ("browser",),
        ("port", "login_hint", "domain_hint", "prompt", "open_browser", "on_link", "paste"),
    ),
    ParameterSet("DeviceCode", "devicecode", ("device_code",), ("on_device_code",)),
    ParameterSet(
        "AppCertificate",
        "certificate",
        CERTIFICATE_SOURCES,
        ("certificate_password", "send_certificate_chain", *GOES_WITH),
    ),
    ParameterSet(
        "KeyVault",
        "certificate",
        KEY_VAULT_SOURCES,
        ("key_vault", "key_vault_connection", "send_certificate_chain"),
    ),
    ParameterSet("AppSecret", "secret", ("client_secret",)),
    ParameterSet("UsernamePassword", "password", ("credential",)),
)


def choose_set(given: Mapping[str, object]) -> ParameterSet:
    """Return the one parameter set that takes all that was given; Browser if nothing was.

    Args:
        given: Parameters by name; None and False count as not given, and empty hints.

    Raises:
        ParameterSetError: Two sets are mixed, a parameter belongs to another set, there are two sources for the
            certificate, or a password without what it opens.
    """
    names = [name for name, value in given.items() if _is_given(name, value)]
    chosen = [one for one in SETS if any(name in one.chosen_by for name in names)] or [SETS[0]]
    if "key_vault_key" in names and "certificate_path" in names:
        # The file has the certificate, the vault its key.
        names = [name for name in names if name != "certificate_path"]
        chosen = [one for one in chosen if one.name != "AppCertificate"]
    if len(chosen) > 1:
        choosers = [name for name in names if any(name in one.chosen_by for one in chosen)]
        raise _clash("name different ways to sign in", choosers, [one.name for one in chosen])
    only = chosen[0]
    sources = [name for name in names if name in CERTIFICATE_SOURCES + KEY_VAULT_SOURCES]
    if len(sources) > 1:
        raise _clash("each name a certificate", sources, [only.name])
    strangers = [name for name in names if name not in only.chosen_by + only.options]
    if strangers:
        raise _stranger(strangers, [name for name in names if name in only.chosen_by], only)
    for option, homes in GOES_WITH.items():
        if option in names and sources[0] not in homes:
            raise _clash("don't go together", [option, *sources], [only.name])
    in_store = sources[:1] and sources[0] in IN_STORES and "pkcs11_module" not in names
    if "certificate_password" in names and in_store and "certificate_store" not in names:
        raise _clash("don't go together: a store needs no password", ["certificate_password", *sources], [only.name])
    return only


def _is_given(name: str, value: object) -> bool:
    return value is not None and value is not False and (name not in OPTIONAL_TEXTS or bool(value))


def refuse_tenant(flow: str, tenant_id: str) -> None:
    """Raise ParameterError where a flow can't be used with a tenant that stands for many.

    Apps sign in to one tenant (AADSTS50059 and 90002 otherwise); the password grant knows `organizations` besides
    (AADSTS9001023).
    """
    many = ("common", "consumers") if flow == "password" else ("common", "consumers", "organizations")
    if flow in ("certificate", "secret", "password") and tenant_id in many:
        who = "A user name and password" if flow == "password" else "An app"
        raise ParameterError(
            f"{who} can't sign in to {tenant_id!r}: it stands for many tenants.",
            remedy="Give the id or the domain of one tenant" + (", or `organizations`." if flow == "password" else "."),
        )


def _stranger(strangers: Sequence[str], choosers: Sequence[str], only: ParameterSet) -> ParameterSetError:
    homes = [one for one in SETS if any(name in one.options for name in strangers)]
    if not choosers and len(homes) == 1:
        needed = " or ".join(homes[0].chosen_by)
        return ParameterSetError(
            f"{_list(strangers)} can't stand alone: it goes with {needed}.",
            clashing=strangers,
            accepted_by=[homes[0].name],
            remedy=f"Add {needed} (the set {homes[0].name}), or leave {_list(strangers)} out.",
        )
    return _clash(
        f"can't go with {_list(choosers) or 'the browser'}" if choosers else "don't belong to the browser sign-in",
        strangers,
        [one.name for one in homes],
        beside=only.name,
    )


def _clash(problem: str, clashing: Sequence[str], accepted_by: Sequence[str], *, beside: str = "") -> ParameterSetError:
    sets = ", ".join(accepted_by)
    remedy = f"Leave out all but one; they belong to {sets}." if len(clashing) > 1 else f"It belongs to {sets}."
    if beside:
        remedy = f"Leave {_list(clashing)} out (the rest is of the set {beside}), or use the set {sets}."
    return ParameterSetError(f"{_list(clashing)} {problem}.", clashing=clashing, accepted_by=accepted_by, remedy=remedy)


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))
