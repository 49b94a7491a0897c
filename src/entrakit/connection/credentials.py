"""Credentials (secret, certificate, password) and where a renewal reads them from.

A connection holds its credential in memory. The vault holds it only with `save_secret`. Without that, another process
reads it again from its source (environment variable, file, certificate store), or reports what is missing.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from entrakit.certificates import Certificate
from entrakit.certificates.sources import credential_from
from entrakit.errors import CertificateError, EntraError, InteractionRequiredError, ParameterError
from entrakit.secret import Secret, UsernamePassword, refuse_impossible_characters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.connection.settings import Settings
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flows import AnyCredential

log = logging.getLogger("entrakit")


def find_credential(
    flow: str,
    credential: object | None,
    places: Mapping[str, str],
    password: Secret | None,
    *,
    now: float,
    open_connection: OpenConnection,
) -> tuple[AnyCredential, tuple[tuple[str, str], ...]]:
    """Return the user name and password, or the certificate or secret that `load_certificate` returns, and its source.

    Args:
        flow: `password` or `certificate`.
        credential: The credential that was passed to `connect()`; None to find it.
        places: As for `load_certificate`, and so are the others.
        password: Password of the certificate; None for none.
        now: Seconds since 1970.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        CertificateError: As for `load_certificate`.
        ParameterError: As for `load_certificate`, or the credential is not a UsernamePassword.
    """
    if flow != "password":
        found, origin = load_certificate(credential, places, password, now=now, open_connection=open_connection)
        if isinstance(found, Secret):
            refuse_impossible_characters(found, "client secret")
        return found, origin
    if not isinstance(credential, UsernamePassword):
        raise ParameterError("`credential` must be a UsernamePassword(username, password).")
    log.warning("A user name and password can't do multi-factor authentication; prefer another way to sign in.")
    return credential, (("password", credential.password.origin),)


def load_certificate(
    certificate: object | None,
    places: Mapping[str, str],
    password: Secret | None,
    *,
    now: float,
    open_connection: OpenConnection,
) -> tuple[Certificate | Secret, tuple[tuple[str, str], ...]]:
    """Return the certificate that was passed to `connect()` or that its parameters name, checked, and its source.

    Args:
        certificate: A `Certificate`, the bytes of a file, or a pair of private key and certificate; None to find it.
        places: Where to find it, as `certificates.sources` describes.
        password: Password of the file or PIN of the token; None for none.
        now: Seconds since 1970.
        open_connection: Opens the connection that a key vault is reached through.

    Returns:
        The certificate, or the client secret that the key vault holds instead, and its source by part.

    Raises:
        CertificateError: The certificate does not exist, or can't be used now.
        ParameterError: A parameter is invalid.
    """
    if certificate is not None:
        found: Certificate | Secret = _passed(certificate, password)
        origin = {"certificate": "argument"}
    else:
        origin = dict(places)
        if "path" in origin:
            origin["path"] = os.path.abspath(os.path.expanduser(origin["path"]))
        if os.sep in origin.get("module", ""):
            origin["module"] = os.path.abspath(os.path.expanduser(origin["module"]))
        found = credential_from(origin, password, now, open_connection=open_connection)
    if isinstance(found, Certificate):
        if password is not None and certificate is None and _needs_password(origin, found, now):
            origin["password"] = password.origin
        warning = found.check(now)
        if warning:
            log.warning("%s", warning)
    return found, tuple(origin.items())


def read_again(
    settings: Settings, environ: Mapping[str, str] = os.environ, open_connection: OpenConnection | None = None
) -> AnyCredential:
    """Read a connection's credential again from its source.

    Args:
        settings: Settings of the connection.
        environ: Environment variables.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        InteractionRequiredError: The credential was typed or passed by the program, so it can't be read again.
        ParameterError: The variable is missing or empty.
        CertificateError: The certificate is missing, or can't be used any more.
    """
    origin = dict(settings.origin)
    if "vault" in origin:
        return credential_from(origin, None, time.time(), environ, open_connection)
    if settings.flow == "certificate":
        if origin.keys().isdisjoint({"path", "thumbprint", "name", "uri"}):
            raise _missing(settings, "certificate", "was passed by the program")
        password = _secret_again(settings, "password", origin["password"], environ) if "password" in origin else None
        return credential_from(origin, password, time.time(), environ)
    if settings.flow == "password":
        password = _secret_again(settings, "password", origin.get("password", "argument"), environ)
        refuse_impossible_characters(password, "password")
        return UsernamePassword(settings.account.username, password)
    secret = _secret_again(settings, "client secret", origin.get("secret", "argument"), environ)
    refuse_impossible_characters(secret, "client secret")
    return secret


def newest(
    settings: Settings, credential: AnyCredential | None, now: float, open_connection: OpenConnection
) -> AnyCredential:
    """Return the credential to renew with: read again if that is possible, because it may have been replaced.

    A certificate that replaces a valid one is used only if it is valid itself. A half-written file, or a certificate
    that is not valid yet, is skipped until the next renewal.

    Args:
        settings: Settings of the connection.
        credential: The credential in memory; None if there is none.
        now: Seconds since 1970.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        EntraError: No credential is in memory, and none can be read, as for `read_again`.
    """
    if settings.save_secret and credential is not None:
        return credential
    try:
        found = read_again(settings, open_connection=open_connection)
        if credential is not None and isinstance(found, Certificate):
            found.check(now)
    except EntraError as error:
        if credential is None:
            raise
        if dict(settings.origin).keys() & {"path", "uri", "thumbprint", "name"}:
            log.warning("The certificate can't be read again, so the one before is used: %s", error.problem)
        return credential
    return found


def _passed(certificate: object, password: Secret | None) -> Certificate:
    """Return the certificate that the program passed."""
    if isinstance(certificate, Certificate):
        return certificate
    if isinstance(certificate, bytes):
        return Certificate.from_bytes(certificate, password.reveal() if password else None)
    if isinstance(certificate, tuple) and len(certificate) == 2:
        return Certificate.from_pair(*certificate)
    raise ParameterError(
        "The parameter certificate must be a Certificate, bytes, or a pair of private key and certificate.",
        remedy="Give a file with `certificate_path`.",
    )


def _needs_password(origin: Mapping[str, str], found: Certificate, now: float) -> bool:
    """Return whether a later process needs the password too. An unnecessary password is not requested again."""
    if "path" not in origin:
        return True
    try:
        again = credential_from(origin, None, now)
    except CertificateError:
        return True
    return not isinstance(again, Certificate) or again.der != found.der


def _secret_again(settings: Settings, what: str, origin: str, environ: Mapping[str, str]) -> Secret:
    if not origin.startswith(("env:", "file:")):
        how = {"prompt": "was typed", "stdin": "came on standard input"}.get(origin, "was passed by the program")
        raise _missing(settings, what, how)
    try:
        return Secret.from_origin(origin, environ)
    except ParameterError as error:
        raise _missing(settings, what, f"came from {origin.partition(':')[2]}, which has no value now") from error


def _missing(settings: Settings, what: str, how: str) -> InteractionRequiredError:
    which = f"the connection {settings.name!r}" if settings.name else "this connection"
    return InteractionRequiredError(
        f"Renewing {which} requires its {what}. It {how}, and is not saved.",
        remedy=f"Connect again: `connect()`. Add `save_secret=True` to save the {what}, encrypted.",
        error="interaction_required",
    ).about(settings)
