"""Secrets with their source; their value is never shown."""

from __future__ import annotations

import os
import stat
import sys
from functools import wraps
from typing import TYPE_CHECKING, TypeVar

from entrakit.errors import ParameterError
from entrakit.paths import absolute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import NoReturn

# Variables that hold a secret of entrakit. Programs that entrakit starts do not inherit them.
SECRET_VARIABLES = frozenset({
    "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "ENTRAKIT_EXPORT_PASSPHRASE",
    "ENTRAKIT_VAULT", "ENTRAKIT_VAULT_KEY", "ENTRAKIT_VAULT_OLD_KEY",
})  # fmt: skip
MAX_FILE = 64 * 1024
# Slow, because a password can be guessed: about 50 ms, here and for each guess of an attacker.
DIGEST_ROUNDS = 200_000
# The parameters of `connect()` that can be plain strings.
GIVEN_SECRETS = ("client_secret", "certificate_password", "access_token", "refresh_token", "on_behalf_of")

# Variables of secrets, and Python's hash of every secret of this process, which is keyed at random.
_variables: set[str] = set()
_hashes: set[int] = set()
# Files that other users can read and that were reported, with the time of their last change.
_reported: set[tuple[str, int]] = set()
Result = TypeVar("Result")


class Secret:
    """A string that is not shown by `repr`, `str`, formatting or a pickle.

    Its value is not changed: white space at its ends may belong to it. Only a byte order mark at the beginning and one
    line break at the end of a file, a pipe or an environment variable are removed.

    Args:
        value: The string.
        origin: Its source: `argument`, `prompt`, `stdin`, `env:NAME` or `file:/path`. A later process can read
            it again from the last two.

    Raises:
        ParameterError: The string is empty.
        TypeError: The value is not a string.
    """

    __slots__ = ("_value", "origin")

    _value: str
    origin: str

    def __init__(self, value: str, origin: str = "argument") -> None:
        object.__setattr__(self, "origin", origin)
        if not isinstance(value, str):
            kind, value = type(value).__name__, ""  # type: ignore[unreachable] # a mistake of the caller
            raise TypeError(f"a Secret is text, not {kind}")
        if not value:
            raise ParameterError(f"The secret from {_place(origin)} is empty.", remedy=_when_empty(origin))
        if not _is_encodable(value):
            # An error keeps the local variables of the calls that it leaves.
            value = ""
            raise _not_utf8(origin)
        object.__setattr__(self, "_value", value)
        _hashes.add(hash(value))

    @classmethod
    def from_env(cls, name: str, environ: Mapping[str, str] = os.environ) -> Secret:
        """Return the value of an environment variable, without one line break at the end.

        Args:
            name: The variable.
            environ: Environment variables.

        Raises:
            ParameterError: The variable is not set, or empty.
        """
        if name not in environ:
            raise ParameterError(f"The environment variable {name} is not set.", remedy=f"Set {name}, then try again.")
        _variables.add(name)
        value, environ = cleaned(environ[name]), {}
        if not _is_encodable(value):
            value = ""
            raise _not_utf8(f"env:{name}")
        return cls(value, f"env:{name}")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Secret:
        """Return the content of a file, without one line break at the end. Log a warning if other users can read it.

        Args:
            path: The file, UTF-8 with or without a byte order mark; `~` is expanded.

        Raises:
            ParameterError: The file can't be read, is empty, or is larger than any secret.
        """
        full = absolute(path)
        try:
            with open(full, "rb") as file:
                data = file.read(MAX_FILE + 1)
                mode = os.fstat(file.fileno()).st_mode
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            reason = error.strerror if isinstance(error, OSError) else "not a valid path"
            raise ParameterError(
                f"The secret can't be read from {full!r}: {reason}.", remedy="Name another file."
            ) from None
        if is_exposed(mode) and is_first_report(full):
            import logging
            import shlex

            logging.getLogger("entrakit").warning(
                "Other users of this machine can read the secret in %s. Type `chmod 600 %s`.", full, shlex.quote(full)
            )
        if len(data) > MAX_FILE:
            data = b""
            raise ParameterError(f"{full!r} is too large to be a secret.", remedy="Is it the right file?")
        # Bytes that are not UTF-8 become halves of surrogate pairs: an error of the decoder would contain them.
        text, data = data.decode("utf-8", "surrogateescape"), b""
        if "\0" in text or not _is_encodable(text):
            text, reason = "", ", but contains null bytes, as UTF-16 does" if "\0" in text else ""
            raise ParameterError(
                f"The secret can't be read from {full!r}: it is not UTF-8 text{reason}.",
                remedy="Save it as UTF-8. For a certificate use `certificate_path`.",
            )
        return cls(cleaned(text), f"file:{full}")

    @classmethod
    def from_origin(cls, origin: str, environ: Mapping[str, str] = os.environ) -> Secret:
        """Return the secret that a source has now.

        Args:
            origin: `env:NAME` or `file:/path`.
            environ: Environment variables.

        Raises:
            ParameterError: The source has no secret now, or can't be read again.
        """
        kind, _, place = origin.partition(":")
        if kind == "env":
            return cls.from_env(place, environ)
        if kind == "file":
            return cls.from_file(place)
        raise ParameterError(f"A secret from {_place(origin)} can't be read again.")

    def again(self, environ: Mapping[str, str] = os.environ) -> Secret | None:
        """Return the secret that the source has now; None if the source can't be read again.

        Args:
            environ: Environment variables.

        Raises:
            ParameterError: The variable or the file is missing or empty.
        """
        if self.origin.startswith(("env:", "file:")):
            return type(self).from_origin(self.origin, environ)
        return None

    def reveal(self) -> str:
        """Return the value."""
        return self._value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Secret is immutable: {name} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Secret is immutable: {name} can't be deleted")

    def __repr__(self) -> str:
        return f"Secret(origin={self.origin!r})"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret can't be pickled: it would leave memory unencrypted")

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest

        return isinstance(other, Secret) and compare_digest(_bytes(self._value), _bytes(other._value))

    __hash__ = None  # type: ignore[assignment] # a hash of a secret reveals something about it


class UsernamePassword:
    """A user name and a password.

    Args:
        username: Sign-in name, such as `ada@contoso.com`.
        password: The password.

    Raises:
        ParameterError: One of them is empty, or the name has unprintable characters.
    """

    __slots__ = ("password", "username")

    username: str
    password: Secret

    def __init__(self, username: str, password: str | Secret) -> None:
        name = username.strip()
        if not name or not name.isprintable():
            raise ParameterError("The user name is empty or has unprintable characters.")
        object.__setattr__(self, "username", name)
        object.__setattr__(self, "password", Secret(password) if isinstance(password, str) else password)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a UsernamePassword is immutable: {name} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a UsernamePassword is immutable: {name} can't be deleted")

    def __repr__(self) -> str:
        # Its constructor may have failed.
        return f"UsernamePassword(username={getattr(self, 'username', '')!r}, password=…)"

    def __copy__(self) -> UsernamePassword:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> UsernamePassword:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a UsernamePassword can't be pickled: it would leave memory unencrypted")


# The former name.
Credential = UsernamePassword


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of an environment for another program, without secrets.

    It has none of `SECRET_VARIABLES`, no variable that this process read a secret from, none that `hide_variables` got,
    and none that contains a secret of this process.
    """
    secret = SECRET_VARIABLES | _variables
    return {name: text for name, text in environ.items() if name not in secret and hash(cleaned(text)) not in _hashes}


def hide_variables(origins: Iterable[str]) -> None:
    """Leave variables out of the environment of the programs that this process starts.

    Args:
        origins: Sources of secrets, as `Secret.origin` describes them. Only those of the environment matter.
    """
    _variables.update(place for kind, _, place in (one.partition(":") for one in origins) if kind == "env")


def _is_encodable(value: str) -> bool:
    """Return whether a string has no bytes that are not UTF-8, as an environment variable may have."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


def _not_utf8(origin: str) -> ParameterError:
    return ParameterError(f"The secret from {_place(origin)} is not UTF-8 text.")


def given_secrets(function: Callable[..., Result]) -> Callable[..., Result]:
    """Make the secrets that `connect()` is given a `Secret` before anything else happens.

    Its errors leave it without the local variables of any call, as those of `frames.clears_locals` do. An empty secret
    is passed on: other errors come first.
    """

    @wraps(function)
    def border(*how: object, **given: object) -> Result:
        handled = sys.exception()
        try:
            for name in GIVEN_SECRETS:
                if given.get(name) and isinstance(given[name], str):
                    given[name] = Secret(str(given[name]))
            return function(*how, **given)
        except BaseException as error:
            how, given = (), {}
            from entrakit.frames import clear_locals

            clear_locals(error, handled)
            raise

    return border


def digest_of(identity: Secret | bytes, salt: str = "") -> str:
    """Return a salted digest, with which a credential is recognized: the salt and PBKDF2 (RFC 8018) in hex.

    Args:
        identity: A value that only the same credential has.
        salt: Salt of another digest, to compare it; empty for a new one.
    """
    from hashlib import pbkdf2_hmac

    data = identity.reveal().encode() if isinstance(identity, Secret) else identity
    salt = salt or os.urandom(16).hex()
    return f"{salt}:{pbkdf2_hmac('sha256', data, salt.encode(), DIGEST_ROUNDS).hex()}"


def refuse_impossible_characters(value: Secret, what: str) -> None:
    """Raise ParameterError if a secret has a character that it can't have (RFC 6749, appendix A).

    Args:
        value: The secret.
        what: `client secret`, which has printable characters of ASCII only, or `password`, which has no control
            characters except tabs.
    """
    for at, letter in enumerate(value.reveal(), start=1):
        is_ascii = " " <= letter <= "~"
        if is_ascii or (what == "password" and (letter == "\t" or letter > "\x7f")):
            continue
        length = len(value.reveal())
        raise ParameterError(
            f"The {what} from {_place(value.origin)} contains {_name_of(letter)} as character {at} of {length}, which "
            f"no {what} can contain.",
            remedy="Was it copied completely, without quotation marks and line breaks, and saved as plain text?",
        )


def _name_of(letter: str) -> str:
    """Return code point and name of a character, such as `U+00A0 (no-break space)`."""
    import unicodedata

    controls = {"\n": "line feed", "\r": "carriage return", "\t": "tab", "\0": "null"}
    name = controls.get(letter) or unicodedata.name(letter, "control character").lower()
    return f"U+{ord(letter):04X} ({name})"


def is_exposed(mode: int) -> bool:
    """Return whether a file with this mode is a regular file that its group or other users can read."""
    return os.name == "posix" and stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def is_first_report(path: str) -> bool:
    """Return whether a file that other users can read has not been reported since it was last changed.

    One call may read a file twice, and a renewal reads it again.
    """
    try:
        state = (path, os.stat(path).st_ctime_ns)
    except OSError:
        return True
    is_first = state not in _reported
    _reported.add(state)
    return is_first


def cleaned(text: str) -> str:
    """Return a string without what editors, pipes and pipelines add: a byte order mark, and one line break at the end.

    PowerShell 5.1 pipes both if `$OutputEncoding` is UTF-8.
    """
    return without_line_break(text.removeprefix("\ufeff"))


def without_line_break(text: str) -> str:
    """Return a string without one line break at the end, as a file or a pipe adds it."""
    return text.removesuffix("\n").removesuffix("\r")


def _bytes(value: str) -> bytes:
    # Bytes of an environment variable that are not UTF-8 become lone surrogates (PEP 383).
    return value.encode("utf-8", "surrogatepass")


def _place(origin: str) -> str:
    kind, _, place = origin.partition(":")
    places = {
        "env": f"the environment variable {place}",
        "file": repr(place),
        "stdin": "standard input",
        "keyvault": f"the key vault's secret {place!r}",
    }
    return places.get(kind, f"the {kind}")


def _when_empty(origin: str) -> str:
    if origin.startswith("env:"):
        return f"Is the environment variable empty? Set {origin[4:]}, then try again."
    if origin.startswith("file:"):
        return "Is it the right file? Write the secret into it, then try again."
    return "Give the secret itself. If it comes from an environment variable, check that the variable is not empty."
