"""What an app or a person proves itself with, and how a renewal finds it again.

A proof is held in memory by the connection that was made with it. It is kept in the vault only if that was asked
for. Another process reads it again from where it came (environment variable, file, certificate store), or says what
is missing.
"""

from __future__ import annotations

import logging
import os
from typing import NamedTuple, TypeAlias

from entrakit.certificates import Certificate
from entrakit.certificates.sources import credential_from
from entrakit.errors import CertificateError, InteractionRequiredError, ParameterError
from entrakit.secret import Credential, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.connection.settings import Settings
    from entrakit.services.connected import OpenConnection
    from entrakit.tokens.jwt import JSON

Proof: TypeAlias = "Secret | Credential | Certificate"

log = logging.getLogger("entrakit")


def saved_form(proof: Proof) -> dict[str, JSON]:
    """Return what to seal in the vault, so that `saved_proof` makes the proof of it again.

    Raises:
        CertificateError: The key can't leave where it is.
    """
    if isinstance(proof, Secret):
        return {"secret": proof.reveal()}
    if isinstance(proof, Credential):
        return {"username": proof.username, "password": proof.password.reveal()}
    return {"pem": proof.export_pem().decode("ascii")}


def saved_proof(saved: Mapping[str, JSON]) -> Proof:
    """Return the proof that `saved_form` was given."""
    if "secret" in saved:
        return Secret(str(saved["secret"]))
    if "password" in saved:
        return Credential(str(saved["username"]), str(saved["password"]))
    return Certificate.from_bytes(str(saved["pem"]).encode("ascii"))


def find_again(
    settings: Settings, environ: Mapping[str, str] = os.environ, reach: OpenConnection | None = None
) -> Proof:
    """Return the proof of a connection, read again from where it came.

    Args:
        settings: How the connection was made.
        environ: The environment to look variables up in.
        reach: Opens the connection that authenticates at a key vault.

    Raises:
        InteractionRequiredError: It was typed or handed in, and so is not to be had without a person.
        ParameterError: The variable is gone, or empty.
        CertificateError: The certificate is gone, or can't be used any more.
    """
    origin = dict(settings.origin)
    if "vault" in origin:
        import time

        return credential_from(origin, None, time.time(), environ, reach)
    if settings.flow == "certificate":
        return _certificate_again(settings, origin, environ)
    part = "password" if settings.flow == "password" else "secret"
    secret = _secret_again(settings, part, origin.get(part, "argument"), environ)
    return Credential(settings.account.username, secret) if part == "password" else secret


def handed_in(certificate: object, password: Secret | None) -> Certificate:
    """Return the certificate that a program handed in.

    Args:
        certificate: A `Certificate`, the bytes of a file, or a pair of private key and certificate.
        password: Opens the bytes; None if they need none.

    Raises:
        ParameterError: It is none of these.
        CertificateError: It has no key that can sign.
    """
    if isinstance(certificate, Certificate):
        return certificate
    if isinstance(certificate, bytes):
        return Certificate.from_bytes(certificate, password.reveal() if password else None)
    if isinstance(certificate, tuple) and len(certificate) == 2:
        return Certificate.from_pair(*certificate)
    raise ParameterError(
        "certificate is a Certificate, bytes, or a pair of private key and certificate.",
        remedy="For a file use certificate_path.",
    )


class Given(NamedTuple):
    """What `connect()` was given to prove itself with.

    Args:
        certificate: A `Certificate`, the bytes of a file, or a pair of private key and certificate.
        origin: Where a certificate is, as `certificates.sources` takes it; empty if none was named.
        password: Opens the certificate's file or token.
        secret: The app's secret.
        credential: User name and password.
    """

    certificate: object | None
    origin: dict[str, str]
    password: Secret | None
    secret: Secret | None
    credential: Credential | None


def gather(
    given: Given, now: float, reach: OpenConnection | None = None
) -> tuple[Proof | None, tuple[tuple[str, str], ...]]:
    """Return what the app or person proves itself with, checked, and where it came from; None for the flows of people.

    Args:
        given: What was given.
        now: Seconds since 1970.
        reach: Opens the connection that authenticates at a key vault.

    Raises:
        CertificateError: There is no such certificate, or it can't be used now.
        ParameterError: What was given can't be right.
    """
    if given.secret is not None:
        return given.secret, (("secret", given.secret.origin),)
    if given.credential is not None:
        if not isinstance(given.credential, Credential):
            raise ParameterError("credential is a Credential(username, password).")
        log.warning("A user name and password can't do multi-factor authentication; prefer another way to sign in.")
        return given.credential, (("password", given.credential.password.origin),)
    if given.certificate is None and not given.origin:
        return None, ()
    origin = dict(given.origin)
    if "path" in origin:
        origin["path"] = os.path.abspath(os.path.expanduser(origin["path"]))
    if os.sep in origin.get("module", ""):
        origin["module"] = os.path.abspath(os.path.expanduser(origin["module"]))
    if given.certificate is not None:
        found = handed_in(given.certificate, given.password)
        origin = {"certificate": "argument"}
    else:
        fetched = credential_from(origin, given.password, now, open_connection=reach)
        if isinstance(fetched, Secret):
            return fetched, tuple(origin.items())
        found = fetched
        if given.password is not None and _needs_password(origin, found, now):
            origin["password"] = given.password.origin
    warning = found.check(now)
    if warning:
        log.warning("%s", warning)
    return found, tuple(origin.items())


def _needs_password(origin: Mapping[str, str], found: Certificate, now: float) -> bool:
    """Return whether a later process needs the password too; of one that was not needed nobody need know."""
    if "path" not in origin:
        return True
    try:
        again = credential_from(origin, None, now)
    except CertificateError:
        return True
    return not isinstance(again, Certificate) or again.der != found.der


def _certificate_again(settings: Settings, origin: dict[str, str], environ: Mapping[str, str]) -> Proof:
    if origin.keys().isdisjoint({"path", "thumbprint", "name", "uri"}):
        raise _missing(settings, "certificate", "was handed in by a program")
    password = _secret_again(settings, "password", origin["password"], environ) if "password" in origin else None
    import time

    return credential_from(origin, password, time.time(), environ)


def _secret_again(settings: Settings, part: str, origin: str, environ: Mapping[str, str]) -> Secret:
    what = {"secret": "client secret", "password": "password"}[part]
    if not origin.startswith(("env:", "file:")):
        how = {"prompt": "was typed", "stdin": "came on standard input"}.get(origin, "was handed in by a program")
        raise _missing(settings, what, how)
    try:
        return Secret.from_origin(origin, environ)
    except ParameterError as error:
        raise _missing(settings, what, f"came from {origin.partition(':')[2]}, which has none now") from error


def _missing(settings: Settings, what: str, how: str) -> InteractionRequiredError:
    which = f"the connection {settings.name!r}" if settings.name else "this connection"
    return InteractionRequiredError(
        f"To renew {which} its {what} is needed. It {how}, and is not kept.",
        remedy=f"Connect again: `connect()`. Add `save_secret=True` to save the {what}, encrypted.",
        error="interaction_required",
    ).about(settings)
