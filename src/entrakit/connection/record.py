"""The record of a connection: its settings, tokens and refresh token, and the form in which they are saved.

Settings are saved in the clear, so that listing connections and choosing one need no key. Tokens, the refresh token
and a saved credential are encrypted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.authority.clouds import Cloud
from entrakit.connection.settings import Settings
from entrakit.errors import SignInError, VaultError
from entrakit.tokens.scopes import app_scopes, delegated_scopes
from entrakit.tokens.token import Account, Token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from entrakit.connection.saver import Saver
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON
    from entrakit.vault import Entry, EntrySummary


class Record(NamedTuple):
    """All data of a connection. Immutable: a renewal makes the next record.

    Args:
        settings: Settings of the connection.
        tokens: Access tokens by their cache key, the scopes that they were requested for.
        refresh_token: The newest refresh token; empty if there is none.
        saved_credential: Saved form of the credential; empty unless `save_secret` was set.
        serial: Number of renewals so far.
        digest: Salted digest of the credential that it was made with, as `secret.digest_of` returns it; empty if there
            is none. 0.1.0 ignores it, and omits it from the records that it writes.
    """

    settings: Settings
    tokens: dict[str, Token]
    refresh_token: str = ""
    saved_credential: dict[str, JSON] = {}  # noqa: RUF012 - a NamedTuple's default; never changed
    serial: int = 0
    digest: str = ""

    def __repr__(self) -> str:
        return f"Record({self.describe()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Record can't be pickled: it would leave memory unencrypted")

    def describe(self) -> str:
        """Return name, flow, tenant and account, for a `repr`."""
        settings = self.settings
        who = settings.account.username or settings.client_id
        return f"{settings.name!r}, flow={settings.flow!r}, tenant_id={self.tenant_id!r}, account={who!r}"

    @property
    def tenant_id(self) -> str:
        """The tenant's id if it is known, else the tenant as `connect()` was given it."""
        return _tenant_id(self.settings)

    def is_newer(self, other: Record) -> bool:
        """Return whether both come from one sign-in, and this one from a later renewal."""
        return self.settings.connected_at == other.settings.connected_at and self.serial > other.serial

    def follows(self, metadata: Mapping[str, JSON], secrets: Mapping[str, JSON]) -> bool:
        """Return whether this record may replace a saved one: both come from one sign-in, and that one is not newer."""
        serial, is_same = secrets.get("serial"), metadata.get("connected_at") == self.settings.connected_at
        return is_same and isinstance(serial, int | float) and serial <= self.serial

    def with_grant(self, grant: Grant, authority: Authority, key: str) -> Record:
        """Return the next record, with a new token.

        Args:
            grant: The answer of the token service.
            authority: The authority that granted it.
            key: Cache key of the new token.

        Raises:
            SignInError: The ID token belongs to another sign-in, or the new token to another account.
        """
        refresh_token = grant.refresh_token or self.refresh_token
        settings = self.settings._replace(
            account=_account(self.settings, grant, authority), directory_id=authority.directory_id,
            client_id=self.settings.client_id or grant.client_id,
        )  # fmt: skip
        settings = _informed(settings, refresh_token, self.saved_credential)
        token = Token(
            grant.access_token,
            token_type=grant.token_type,
            issued_at=grant.asked_at,
            expires_at=grant.asked_at + grant.expires_in,
            refresh_at=None if grant.refresh_in is None else grant.asked_at + grant.refresh_in,
            scopes=grant.scopes,
            client_id=settings.client_id,
            tenant_id=_tenant_id(settings),
            account=settings.account,
            flow=settings.flow,
        )
        if key == " ".join(settings.scopes):
            settings = settings._replace(expires_at=token.expires_at)
        return Record(
            settings=settings,
            tokens={**self.tokens, key: token},
            refresh_token=refresh_token,
            saved_credential=self.saved_credential,
            serial=self.serial + 1,
            digest=self.digest,
        )


def new_settings(
    how: Flow, client_id: str, tenant_id: str, cloud: Cloud, *, scopes: Sequence[str], resource: str
) -> Settings:
    """Return the settings of a new connection, with checked scopes.

    Args:
        how: The way to sign in, which also names the user who should do so.
        client_id: Client id of the app.
        tenant_id: The tenant.
        cloud: Cloud of the token service.
        scopes: Requested scopes; empty for the default.
        resource: Resource of permissions without one.

    Raises:
        ParameterError: A scope is invalid.
    """
    settings = Settings(
        "", how.name, client_id, tenant_id, cloud, (), resource, account=Account(username=how.username),
        origin=how.origin, hints=how.hints, send_chain=how.send_chain,
    )  # fmt: skip
    if not how.is_app:
        return settings._replace(scopes=delegated_scopes(scopes or how.default_scopes, resource=resource))
    if any(not one.endswith(".default") for one in scopes):
        import logging

        logging.getLogger("entrakit").warning("Scopes are for users: the app gets the permissions that it was granted.")
    # An app requests everything that it was granted on one resource.
    full = app_scopes(scopes, resource=resource) if scopes else (f"{resource}/.default",)
    return settings._replace(scopes=full, account=Account(username=settings.client_id))


def replaced_by(new: Settings, saved: EntrySummary | None) -> tuple[Settings | None, str]:
    """Return the settings of a saved connection if it is another account's, and what is replaced, as one sentence.

    Args:
        new: Settings of the connection that will replace it.
        saved: The saved connection; None if there is none.

    Returns:
        The settings; None if there is no readable connection of another account. And what is replaced; empty if it is
        nothing, or a connection of the same account.
    """
    if saved is None or saved.error:
        return None, saved.error.problem if saved and saved.error else ""
    try:
        old = settings_from_json(new.name, saved.values)
        if not is_other_account(old, new):
            return None, ""
        return old, f"The saved connection {new.name!r} was replaced. It was {old.describe_account()}."
    except VaultError as error:
        return None, error.problem


def is_other_account(saved: Settings, new: Settings) -> bool:
    """Return whether two connections belong to different apps, tenants or users."""
    # The user name of an app is its client id.
    users = {one.account.object_id or one.account.username.casefold() for one in (saved, new)}
    apps = {(one.client_id, one.cloud.authority) for one in (saved, new)}
    tenants = {_tenant_id(one) for one in (saved, new)}
    return len(apps) > 1 or len(tenants) > 1 or len(users) > 1


def keep(vault: Saver, record: Record, *, now: float, is_renewal: bool = False) -> None:
    """Write a record to the vault, without expired tokens. A renewal replaces only an earlier record of its sign-in.

    Raises:
        VaultError: The record can't be written, or the saved one is newer; the saved one is unchanged.
    """
    metadata = settings_to_json(record.settings)
    if record.settings.account.object_id and not record.refresh_token:
        # 0.1.0 ignores it.
        metadata["has_refresh_token"] = False
    tokens: dict[str, JSON] = {
        key: {
            "access_token": token.access_token,
            "token_type": token.token_type,
            "issued_at": token.issued_at,
            "expires_at": token.expires_at,
            "refresh_at": token.refresh_at,
            "scopes": list(token.scopes),
        }
        for key, token in record.tokens.items()
        if now < token.expires_at
    }
    secrets: dict[str, JSON] = {
        "tokens": tokens,
        "refresh_token": record.refresh_token,
        "proof": record.saved_credential,
        "serial": record.serial,
    }
    if record.digest:
        secrets["digest"] = record.digest
    # The next process opens addresses in its own way.
    hints: list[JSON] = [[name, text] for name, text in record.settings.hints if name != "open_browser"]
    if hints:
        secrets["hints"] = hints
    vault.write(record.settings.name, metadata, secrets, follows=record.follows if is_renewal else None)


def read(vault: Saver, name: str) -> Record:
    """Return the record of a saved connection.

    Raises:
        NotConnectedError: The connection does not exist.
        VaultError: The record can't be read.
    """
    entry = vault.read(name)
    settings = settings_from_json(name, entry.metadata)
    try:
        return _from_entry(settings, entry)
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError(
            f"The saved connection {name!r} holds something other than tokens.",
            remedy="Connect again: `connect()`.",
        ).about(settings) from error


def settings_to_json(settings: Settings) -> dict[str, JSON]:
    """Return settings as plain values; `settings_from_json` reads them."""
    cloud = settings.cloud
    return {
        "flow": settings.flow,
        "client_id": settings.client_id,
        "tenant_id": settings.tenant_id,
        "directory_id": settings.directory_id,
        "cloud": [cloud.name, cloud.authority, cloud.graph, list(cloud.aliases), cloud.graph_url],
        "scopes": list(settings.scopes),
        "resource": settings.resource,
        "account": list(settings.account),
        "origin": dict(settings.origin),
        "save_secret": settings.save_secret,
        "send_chain": settings.send_chain,
        "ca_bundle": settings.ca_bundle,
        "proxy": settings.proxy,
        "connected_at": settings.connected_at,
        "expires_at": settings.expires_at,
    }


def settings_from_json(name: str, metadata: Mapping[str, JSON]) -> Settings:
    """Return the settings of a saved connection.

    Args:
        name: Its name.
        metadata: The result of `settings_to_json`.

    Raises:
        VaultError: The metadata is damaged.
    """
    try:
        cloud_name, authority, graph, aliases, graph_url = _list(metadata["cloud"])
        settings = Settings(
            name=name,
            flow=str(metadata["flow"]),
            client_id=str(metadata["client_id"]),
            tenant_id=str(metadata["tenant_id"]),
            directory_id=str(metadata["directory_id"]),
            cloud=Cloud(str(cloud_name), str(authority), str(graph), _strings(aliases), str(graph_url)),
            scopes=_strings(metadata["scopes"]),
            resource=str(metadata["resource"]),
            account=Account(*_strings(metadata["account"])),
            origin=tuple((part, str(where)) for part, where in _object(metadata["origin"]).items()),
            save_secret=metadata["save_secret"] is True,
            send_chain=metadata["send_chain"] is True,
            ca_bundle=str(metadata["ca_bundle"]),
            proxy=str(metadata["proxy"]),
            connected_at=_time(metadata["connected_at"]),
            expires_at=_time(metadata["expires_at"]),
            has_refresh_token=metadata.get("has_refresh_token") is not False,
        )
        # A string that can't be encoded would stop a listing of all the others.
        "".join((settings.tenant_id, *settings.cloud[:3], *settings.account, *settings.scopes)).encode("utf-8")
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(name) from error
    return settings


def _tenant_id(settings: Settings) -> str:
    return settings.directory_id or settings.account.tenant_id or settings.tenant_id


def _account(settings: Settings, grant: Grant, authority: Authority) -> Account:
    """Return the account of the new token; the previous one if the grant does not name one, like the grants of apps."""
    if not grant.id_claims and grant.account is None:
        return settings.account
    account, before = grant.account, settings.account
    if account is None:
        from entrakit.sign_in.id_token import account_of

        account = account_of(grant, authority, settings.client_id)
    if before.object_id and account.object_id not in ("", before.object_id):
        raise SignInError(
            "The renewed token belongs to another account.",
            remedy="Connect again: `connect()`.",
            error="invalid_id_token",
        ).about(settings)
    return account if account.object_id else before


def _informed(settings: Settings, refresh_token: str, saved_credential: Mapping[str, JSON]) -> Settings:
    """Return settings that say whether the connection renews alone."""
    is_alone = bool(saved_credential) or settings.has_readable_credential
    is_alone = bool(refresh_token) and is_alone if "app" in dict(settings.origin) else bool(refresh_token) or is_alone
    return settings._replace(renews_alone=is_alone)


def _from_entry(settings: Settings, entry: Entry) -> Record:
    secrets = entry.secrets
    settings = _informed(settings, str(secrets["refresh_token"]), _object(secrets["proof"]))
    hints = tuple((str(name), str(text)) for name, text in map(_list, _list(secrets.get("hints", []))))
    settings = settings._replace(hints=hints)
    return Record(
        settings=settings,
        tokens={key: _token(_object(value), settings) for key, value in _object(secrets["tokens"]).items()},
        refresh_token=str(secrets["refresh_token"]),
        saved_credential=_object(secrets["proof"]),
        serial=int(_number(secrets["serial"])),
        digest=str(secrets.get("digest", "")),
    )


def _token(saved: Mapping[str, JSON], settings: Settings) -> Token:
    refresh_at = saved["refresh_at"]
    return Token(
        str(saved["access_token"]),
        token_type=str(saved["token_type"]),
        issued_at=_number(saved["issued_at"]),
        expires_at=_number(saved["expires_at"]),
        refresh_at=None if refresh_at is None else _number(refresh_at),
        scopes=_strings(saved["scopes"]),
        client_id=settings.client_id,
        tenant_id=_tenant_id(settings),
        account=settings.account,
        flow=settings.flow,
    )


def _list(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _strings(value: JSON) -> tuple[str, ...]:
    return tuple(str(one) for one in _list(value))


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _number(value: JSON) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _time(value: JSON) -> float:
    """Return a number of seconds since 1970 that can be shown as a date."""
    seconds = _number(value)
    if not -1e13 < seconds < 1e13:
        raise TypeError
    return seconds


def _damaged(name: str) -> VaultError:
    return VaultError(
        f"The saved connection {name!r} does not say how it was made.",
        remedy=f"Remove it with `disconnect({name!r})`, then connect again.",
    )
