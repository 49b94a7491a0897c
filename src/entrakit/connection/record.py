"""The kept form of a connection: settings in the clear; tokens, refresh token and saved proof sealed."""

from __future__ import annotations

from typing import NamedTuple

from entrakit.connection.settings import Settings, settings_from
from entrakit.errors import VaultError
from entrakit.tokens.token import Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.tokens.jwt import JSON
    from entrakit.vault import Entry, Vault


class Record(NamedTuple):
    """What a connection knows, all of it immutable: a renewal makes the next one.

    Args:
        settings: How it was made.
        tokens: Access tokens by the scopes that they were asked for.
        refresh_token: The newest refresh token; empty if there is none.
        saved_proof: The proof's form in the vault; empty unless it was asked to be kept.
        serial: How many renewals it has behind it.
    """

    settings: Settings
    tokens: dict[str, Token]
    refresh_token: str = ""
    saved_proof: dict[str, JSON] = {}  # noqa: RUF012 - a NamedTuple's default; never changed
    serial: int = 0

    def is_newer(self, other: Record) -> bool:
        """Return whether both come from one sign-in, and this one from a later renewal."""
        return self.settings.connected_at == other.settings.connected_at and self.serial > other.serial

    def __repr__(self) -> str:
        return f"Record({self.settings.name!r})"


def keep(vault: Vault, record: Record, *, now: float) -> None:
    """Write a record to the vault, without the tokens that are over.

    Raises:
        VaultError: It can't be written; the earlier one is still there.
    """
    tokens = {key: _token_to_json(token) for key, token in record.tokens.items() if not token.is_expired(now)}
    secrets: dict[str, JSON] = {
        "tokens": dict(tokens),
        "refresh_token": record.refresh_token,
        "proof": record.saved_proof,
        "serial": record.serial,
    }
    vault.write(record.settings.name, record.settings.to_json(), secrets)


def read(vault: Vault, name: str) -> Record:
    """Return the record of a kept connection.

    Raises:
        NotConnectedError: There is none of this name.
        VaultError: It can't be read.
    """
    entry = vault.read(name)
    settings = settings_from(name, entry.metadata)
    try:
        return _record(settings, entry)
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError(
            f"The kept connection {name!r} holds something else than tokens.",
            remedy="Connect again: `connect()`.",
        ).about(settings) from error


def _record(settings: Settings, entry: Entry) -> Record:
    tokens, proof = entry.secrets["tokens"], entry.secrets["proof"]
    if not isinstance(tokens, dict) or not isinstance(proof, dict):
        raise TypeError
    return Record(
        settings=settings,
        tokens={key: _token_from_json(value, settings) for key, value in tokens.items()},
        refresh_token=str(entry.secrets["refresh_token"]),
        saved_proof=proof,
        serial=int(_number(entry.secrets, "serial")),
    )


def _token_to_json(token: Token) -> dict[str, JSON]:
    return {
        "access_token": token.access_token,
        "token_type": token.token_type,
        "issued_at": token.issued_at,
        "expires_at": token.expires_at,
        "refresh_at": token.refresh_at,
        "scopes": list(token.scopes),
    }


def _token_from_json(value: JSON, settings: Settings) -> Token:
    if not isinstance(value, dict):
        raise TypeError
    refresh_at = value["refresh_at"]
    return Token(
        str(value["access_token"]),
        token_type=str(value["token_type"]),
        issued_at=_number(value, "issued_at"),
        expires_at=_number(value, "expires_at"),
        refresh_at=None if refresh_at is None else _number(value, "refresh_at"),
        scopes=_texts(value["scopes"]),
        client_id=settings.client_id,
        tenant_id=settings.directory_id or settings.account.tenant_id or settings.tenant_id,
        account=settings.account,
        flow=settings.flow,
    )


def _number(value: Mapping[str, JSON], field: str) -> float:
    number = value[field]
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError
    return float(number)


def _texts(value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(str(text) for text in value)
