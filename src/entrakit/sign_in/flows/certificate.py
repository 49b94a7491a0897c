"""Client credentials with a certificate (RFC 7523): the app signs in as itself.

    app                                     token service
     │ build an assertion, sign it with the key   │
     │ client id, assertion, scope                │
     ├───────────────────────────────────────────▶│  POST /token
     │◀───────────────────────────────────────────┤  access token, no refresh token

The assertion says when it is valid, so the service refuses it if this machine's clock is wrong by minutes. The `Date`
header of the service's answers shows the difference: an assertion that was refused for its time is built again, with
the time of the service.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from entrakit.errors import CertificateError, ParameterError, SignInError
from entrakit.secret import Secret
from entrakit.sign_in.flow import Flow, missing, next_credential, secret_again
from entrakit.sources import (
    CertificateFile,
    InStore,
    OnToken,
    SignedByProgram,
    absolute,
    certificate_source,
    saved_form,
    secret_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.certificates import Certificate
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant
    from entrakit.sources import CertificateSource
    from entrakit.tokens.jwt import JSON

OUT_OF_TIME = 700024
# The service does not know the certificate, does not trust its subject, or did not accept it.
NOT_KNOWN = (700027, 700030, 50012)
TOLERATED_SKEW_S = 60.0
_SOURCES = (CertificateFile, SignedByProgram, InStore, OnToken)

log = logging.getLogger("entrakit")


class ClientCertificate(Flow):
    """An app with its certificate.

    Args:
        certificate: Where the certificate is; or a `Certificate`, the bytes of a file, or a pair of private key and
            certificate of the `cryptography` package.
        password: Opens the file or the bytes; the PIN of a token.
        send_chain: Whether to send the certificate's chain (`x5c`).

    Raises:
        CertificateError: The bytes or the pair are not a certificate with its key.
        ParameterError: The certificate has another type.
    """

    __slots__ = ("certificate", "identity", "is_ready", "is_rotated", "origin", "password", "send_chain", "source")

    name = "certificate"
    is_app = True
    refused_tenants = ("common", "consumers", "organizations")
    certificate: Certificate | None
    source: CertificateSource | None
    password: Secret | None
    send_chain: bool
    identity: bytes | None
    is_ready: bool
    is_rotated: bool
    origin: tuple[tuple[str, str], ...]

    def __init__(
        self,
        certificate: CertificateSource | Certificate | bytes | tuple[RSAPrivateKey, X509Certificate],
        *,
        password: str | Secret | None = None,
        send_chain: bool = False,
    ) -> None:
        password = Secret(password) if isinstance(password, str) else password
        source = absolute(certificate) if isinstance(certificate, _SOURCES) else None
        put = object.__setattr__
        put(self, "source", source)
        put(self, "password", password)
        put(self, "send_chain", send_chain)
        self._hold(None if source else _passed(certificate, password), is_ready=False)
        if source is not None and password is not None:
            # For the remedy of a certificate that can't be read. Once it was read, it is known whether it needs this.
            put(self, "origin", saved_form(_opened_with(source, password)))

    @classmethod
    def read_from(
        cls,
        source: CertificateSource | None,
        certificate: Certificate,
        *,
        password: Secret | None = None,
        send_chain: bool = False,
    ) -> Self:
        """Return the value with a certificate that was read from a source; None if the program passed it."""
        made = cls(certificate, password=password, send_chain=send_chain)
        object.__setattr__(made, "source", source)
        made._hold(certificate, is_ready=True)
        return made

    def _hold(self, certificate: Certificate | None, *, is_ready: bool) -> None:
        put = object.__setattr__
        put(self, "certificate", certificate)
        put(self, "identity", None if certificate is None else b"certificate\0" + certificate.der)
        put(self, "origin", saved_form(self.source))
        put(self, "is_ready", is_ready)
        put(self, "is_rotated", self.source is not None)

    def __repr__(self) -> str:
        return f"ClientCertificate({self.source or self.certificate!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of the parameters of a certificate."""
        return cls(
            _place(given),
            password=given.get("certificate_password"),
            send_chain=bool(given.get("send_certificate_chain")),
        )

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return the value with its certificate, checked. Log a warning if it expires soon."""
        from entrakit.certificates.sources import certificate_from

        del open_connection
        found, source, password = self.certificate, self.source, self.password
        if source is not None:
            found = certificate_from(source, password, now)
            if password is not None and _needs_password(source, found, now):
                source = _opened_with(source, password)
        if found is None:
            return self
        made = self.read_from(source, found, password=password, send_chain=self.send_chain)
        made.check(now)
        return made

    def sign_in(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        scopes: Sequence[str],
        *,
        claims: str = "",
        timeout_s: float | None = None,
    ) -> Grant:
        """Send an assertion that the key of the certificate signed."""
        del timeout_s
        return self.as_app(
            authority, client_id, transport, lambda service: service.grant_client(scopes, claims=claims), flow=self.name
        )

    def as_app(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        ask: Callable[[TokenService], Grant],
        *,
        flow: str,
    ) -> Grant:
        """Send an assertion with a request; a second one if this machine's clock was wrong, which the first showed."""
        from entrakit.sign_in._msal import TokenService
        from entrakit.sign_in.client_assertion import build

        certificate = self._read()
        certificate.check(transport.clock.time())

        def assertion() -> str:
            skew = transport.skew_s or 0.0
            now = transport.clock.time() + (skew if abs(skew) > TOLERATED_SKEW_S else 0.0)
            audience, chain = authority.token_endpoint, self.send_chain
            return build(certificate, client_id=client_id, audience=audience, now=now, send_chain=chain)

        service = TokenService(authority, client_id, transport, flow=flow, assertion=assertion)
        skew_before = transport.skew_s
        try:
            return ask(service)
        except SignInError as error:
            if error.code in NOT_KNOWN:
                error.problem += f" This is {certificate.subject}, with the thumbprint {certificate.thumbprint}."
            if error.code != OUT_OF_TIME or skew_before is not None:
                raise
        return ask(service)

    def check(self, now: float) -> None:
        """Raise CertificateError if the certificate is not valid at `now`. Log a warning if it expires soon."""
        warning = self._read().check(now)
        if warning:
            log.warning("%s", warning)

    def to_json(self) -> dict[str, JSON]:
        """Return the certificate with its key in PEM."""
        return {"pem": self._read().export_pem().decode("ascii")}

    def _read(self) -> Certificate:
        if self.certificate is None:
            raise CertificateError("The certificate was not read.")
        return self.certificate

    @classmethod
    def from_json(cls, saved: Mapping[str, JSON], settings: SavedSettings) -> ClientCertificate:
        """Return the value with the saved certificate."""
        from entrakit.certificates import Certificate

        certificate = Certificate.from_bytes(str(saved["pem"]).encode("ascii"))
        return cls.read_from(certificate_source(dict(settings.origin)), certificate, send_chain=settings.send_chain)

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Return the value with the certificate that its source has now."""
        from entrakit.certificates.sources import certificate_from

        del open_connection
        source = certificate_source(dict(settings.origin))
        if source is None:
            raise missing(settings, "certificate", "was passed by the program")
        has_password = "password" in dict(settings.origin)
        password = secret_again(settings, "password", "password", environ) if has_password else None
        found = certificate_from(source, password, now, environ)
        return cls.read_from(source, found, password=password, send_chain=settings.send_chain)

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the place of the certificate, the source of its password, and whether its chain is sent."""
        source = certificate_source(dict(settings.origin))
        place = {_NAMES[field]: value for field, value in source._asdict().items() if value} if source else {}
        chain = {"send_certificate_chain": True} if settings.send_chain else {}
        return (place or {"certificate_path": "FILE"}) | chain

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the place of the certificate."""
        if settings.save_secret:
            return "the saved certificate"
        source = certificate_source(dict(settings.origin))
        match source:
            case CertificateFile(path):
                found = f"the certificate in the file {path!r}"
            case SignedByProgram(path, command, _):
                found = f"the certificate in the file {path!r}, with the program {command[0]!r}, which signs"
            case InStore(thumbprint, name, store):
                kind = f"the certificate store {store!r}" if store else "a certificate store"
                found = f"the certificate {thumbprint or name!r} in {kind}"
            case OnToken(uri):
                found = f"the certificate of the token {uri!r}"
            case _:
                return "the certificate, which has to be given again"
        password = getattr(source, "password", None)
        return f"{found}, and {next_credential(settings, 'password', password)}" if password else found


FLOW = ClientCertificate

# Parameters of `connect()`, by the fields of sources.
_NAMES = {
    "path": "certificate_path",
    "command": "certificate_command",
    "uri": "certificate_uri",
    "thumbprint": "certificate_thumbprint",
    "name": "certificate_name",
    "store": "certificate_store",
    "module": "pkcs11_module",
    "password": "certificate_password",
}


def _place(given: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the constructor checks it
    """Return the source that the parameters name, or the certificate that the program passed."""
    get, module = given.get, os.fspath(given.get("pkcs11_module") or "")
    path, command, uri = get("certificate_path"), get("certificate_command"), get("certificate_uri")
    if path is not None:
        file = os.fspath(path)
        if command:
            return SignedByProgram(file, _words(command))
        return CertificateFile(file, thumbprint=get("certificate_thumbprint"))
    if uri is not None:
        return OnToken(uri, module)
    if get("certificate") is not None:
        return get("certificate")
    thumbprint, name = get("certificate_thumbprint"), get("certificate_name")
    return InStore(thumbprint, name, get("certificate_store") or "", module)


def _words(command: Sequence[str]) -> tuple[str, ...]:
    """Return a program and its arguments. Raises ParameterError if they are one string."""
    if isinstance(command, str):
        raise ParameterError(
            "`certificate_command` must be a list of words, not one string.", remedy='Write ["sign", "-k"].'
        )
    return tuple(os.fspath(word) for word in command)


def _passed(certificate: object, password: Secret | None) -> Certificate:
    """Return the certificate that the program passed."""
    from entrakit.certificates import Certificate

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


def _opened_with(source: CertificateSource, password: Secret) -> CertificateSource:
    """Return a source with the source of its password, if it can have one."""
    if isinstance(source, CertificateFile | SignedByProgram | InStore | OnToken):
        return source._replace(password=secret_source(password.origin))
    return source


def _needs_password(source: CertificateSource, found: Certificate, now: float) -> bool:
    """Return whether a later process needs the password too. An unnecessary password is not requested again."""
    from entrakit.certificates.sources import certificate_from

    if not isinstance(source, CertificateFile | SignedByProgram):
        return True
    try:
        return certificate_from(source, None, now).der != found.der
    except CertificateError:
        return True
