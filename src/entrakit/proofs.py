"""What an app or a person proves itself with, and how a renewal finds it again.

A proof is held in memory by the connection that was made with it. It is kept in the vault only if that was asked
for. Another process reads it again from where it came (environment variable, file, certificate store), or says what
is missing.
"""

from __future__ import annotations

import os
from typing import TypeAlias

from entrakit.certificates import Certificate
from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Credential, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.claims import JSON
    from entrakit.settings import Settings

Proof: TypeAlias = "Secret | Credential | Certificate"


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


def find_again(settings: Settings, environ: Mapping[str, str] = os.environ) -> Proof:
    """Return the proof of a connection, read again from where it came.

    Args:
        settings: How the connection was made.
        environ: The environment to look variables up in.

    Raises:
        InteractionRequiredError: It was typed or handed in, and so is not to be had without a person.
        ParameterError: The variable is gone, or empty.
        CertificateError: The certificate is gone, or can't be used any more.
    """
    origin = dict(settings.origin)
    if settings.flow == "certificate":
        return _certificate_again(settings, origin, environ)
    part = "password" if settings.flow == "password" else "secret"
    secret = _secret_again(settings, part, origin.get(part, "argument"), environ)
    return Credential(settings.account.username, secret) if part == "password" else secret


def given(certificate: object, password: Secret | None) -> Certificate:
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


def certificate_from(origin: Mapping[str, str], password: Secret | None, now: float) -> Certificate:
    """Return the certificate that an origin names, checked so that it can sign at `now`.

    Args:
        origin: `{"path": …}`, `{"thumbprint": …}` or `{"name": …}`.
        password: Opens the file; None if it needs none.
        now: Seconds since 1970.

    Raises:
        CertificateError: There is none, or it can't be used.
        ParameterError: The thumbprint or the name can't be one.
    """
    from entrakit.certificates.stores import find_by_name, find_by_thumbprint

    if "path" in origin:
        return Certificate.from_path(origin["path"], password.reveal() if password else None)
    if "thumbprint" in origin:
        return find_by_thumbprint(origin["thumbprint"])
    return find_by_name(origin["name"], now=now)


def _certificate_again(settings: Settings, origin: dict[str, str], environ: Mapping[str, str]) -> Certificate:
    if origin.keys().isdisjoint({"path", "thumbprint", "name"}):
        raise _missing(settings, "certificate", "was handed in by a program")
    password = _secret_again(settings, "password", origin["password"], environ) if "password" in origin else None
    import time

    return certificate_from(origin, password, time.time())


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
        remedy=f"Connect again with `{settings.reconnect}`; add --save-secret to keep the {what}, encrypted.",
        error="interaction_required",
    )
