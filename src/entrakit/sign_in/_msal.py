"""The token service, called through MSAL. Only this file imports it.

MSAL knows the protocol: the parameters of each grant, PKCE, state and nonce, the federated password sign-in. It does
not decide how requests are sent, when they are sent again, or what is stored: it gets an HTTP client of this package,
and its caches exist for one call. Its dictionaries and exceptions leave this file as a `Grant` or an EntraError.

Answers of the token service are checked before MSAL sees them: it would log a body that is not JSON, repeat an earlier
5xx for a minute without a request, and fail for numbers that are strings.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast
from urllib.parse import quote, urlencode

from entrakit.errors import EntraError, NetworkError, ThrottledError
from entrakit.http.address import shown_host
from entrakit.http.failures import unavailable
from entrakit.http.retry import retry_after
from entrakit.sign_in.grant import CodeRequest, DeviceRequest, Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType, TracebackType
    from typing import Self

    import msal

    from entrakit.http.message import Response
    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.tokens.jwt import JSON

DEFAULT_LIFETIME_S = 3599.0
EXTENSION_CHECK = "_msal_extension_check"
NUMBERS = ("expires_in", "ext_expires_in", "refresh_in", "interval", "not_before", "expires_on")

log = logging.getLogger("entrakit.msal")
_is_called: ContextVar[bool] = ContextVar("_is_called", default=False)


class TokenService:
    """The token service of one authority, for one app.

    Args:
        authority: Metadata of the authority.
        client_id: Client id of the app.
        transport: Transport that sends the requests.
        flow: Name of the flow, for error messages.
        secret: Client secret of the app.
        assertion: Returns a new client assertion (RFC 7523) for each request.
    """

    # Without `__dict__`, so that `vars()` does not show the secret.
    __slots__ = ("assertion", "authority", "client_id", "flow", "secret", "transport")

    def __init__(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        *,
        flow: str,
        secret: str = "",
        assertion: Callable[[], str] | None = None,
    ) -> None:
        self.authority, self.client_id, self.transport = authority, client_id, transport
        self.flow, self.secret, self.assertion = flow, secret, assertion

    def request_code(
        self, scopes: Sequence[str], *, redirect_uri: str, state: str, response_mode: str, claims: str = "",
        prompt: str = "", login_hint: str = "", domain_hint: str = "",
    ) -> CodeRequest:  # fmt: skip
        """Begin an authorization code flow with PKCE (RFC 7636), state and nonce. Nothing is sent."""
        with _Call(self, scopes) as call:
            flow = call.application().initiate_auth_code_flow(
                list(scopes), redirect_uri=redirect_uri, state=state, response_mode="form_post", prompt=prompt or None,
                login_hint=login_hint or None, domain_hint=domain_hint or None, claims_challenge=claims or None,
            )  # fmt: skip
            # MSAL warns on stderr about any mode but form_post; a user who pastes the address needs the query.
            url = str(flow["auth_uri"]).replace("response_mode=form_post", f"response_mode={response_mode}")
        return CodeRequest(url, state, flow, tuple(scopes))

    def redeem_code(self, request: CodeRequest, answer: Mapping[str, str]) -> Grant:
        """Redeem the authorization code of an answer whose state was checked (RFC 6749, 4.1.3)."""
        with _Call(self, request.scopes, repeatable=False, hide=(answer.get("code", ""),)) as call:
            result = call.application().acquire_token_by_auth_code_flow(request.flow, dict(answer))
        return call.granted(result)

    def explain(self, request: CodeRequest, answer: Mapping[str, str]) -> EntraError:
        """Return the error for an unsuccessful answer to the authorization request (RFC 6749, 4.1.2.1)."""
        return _Call(self, request.scopes).explained(answer)

    def request_device_code(self, scopes: Sequence[str], *, claims: str = "") -> DeviceRequest:
        """Request a device code and a user code (RFC 8628, 3.1)."""
        with _Call(self, scopes) as call:
            flow = call.application().initiate_device_flow(list(scopes), claims_challenge=claims or None)
            if "error" in flow or not {"user_code", "device_code", "verification_uri"} <= flow.keys():
                raise call.explained(flow)
        return DeviceRequest(
            user_code=str(flow["user_code"]), verification_uri=str(flow["verification_uri"]),
            message=str(flow.get("message", "")), expires_in=seconds_of(flow.get("expires_in"), 900.0),
            interval=seconds_of(flow.get("interval"), 5.0), flow=flow,
        )  # fmt: skip

    def poll_device_code(self, request: DeviceRequest, *, claims: str = "") -> Grant:
        """Ask once whether the user has signed in (RFC 8628, 3.4); a SignInError also means "not yet"."""
        request.flow["latest_attempt_at"] = 0  # the caller decides when to poll
        with _Call(self, repeatable=False, hide=(str(request.flow.get("device_code", "")),)) as call:
            result = call.application().acquire_token_by_device_flow(
                request.flow, exit_condition=lambda _: True, claims_challenge=claims or None
            )
        return call.granted(result)

    def grant_client(self, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Get a token for the app itself (RFC 6749, 4.4)."""
        with _Call(self, scopes) as call:
            # Without this argument, MSAL would import requests for the type of network errors.
            result = call.application().acquire_token_for_client(
                list(scopes), claims_challenge=claims or None, http_exceptions=(NetworkError,)
            )
        return call.granted(result)

    def grant_password(self, username: str, password: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Exchange a user name and a password (RFC 6749, 4.3), through the tenant's federation if it has one."""
        with _Call(self, scopes, hide=(password,)) as call:
            result = call.application().acquire_token_by_username_password(
                username, password, list(scopes), claims_challenge=claims or None
            )
        return call.granted(result)

    def grant_on_behalf_of(self, assertion: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Exchange a user's token for this app for one of another API (RFC 7523, with Entra's `on_behalf_of`)."""
        with _Call(self, scopes, hide=(assertion,)) as call:
            result = call.application().acquire_token_on_behalf_of(
                assertion, list(scopes), claims_challenge=claims or None
            )
        return call.granted(result)

    def refresh(self, refresh_token: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Redeem a refresh token, for scopes of one resource (RFC 6749, 6)."""
        with _Call(self, scopes, hide=(refresh_token,)) as call:
            result = call.application().acquire_token_by_refresh_token(
                refresh_token, list(scopes), data={"claims": claims}
            )
        return call.granted(result)


class _Call:
    """One use of MSAL, as a context manager: an exception of MSAL leaves it as an EntraError."""

    __slots__ = ("_hide", "_http", "_mark", "_scopes", "_service")

    def __init__(
        self, service: TokenService, scopes: Sequence[str] = (), *, repeatable: bool = True, hide: Sequence[str] = ()
    ) -> None:
        self._service = service
        self._scopes = scopes
        self._hide = [text for text in (*hide, service.secret) if text]
        self._http = MsalHttp(service.authority, service.transport, repeatable=repeatable)

    def __enter__(self) -> Self:
        self._mark = _is_called.set(True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _is_called.reset(self._mark)
        # MSAL raises ValueError, RuntimeError, KeyError and more.
        if isinstance(error, Exception) and not isinstance(error, EntraError):
            where = traceback.extract_tb(trace)[-1]
            log.debug("MSAL raised %s in %s, line %s", type(error).__name__, where.name, where.lineno)
            raise self._misunderstood(error) from None

    def application(self) -> msal.ClientApplication:
        """Return MSAL's application for this call, without anything stored by earlier ones."""
        service = self._service
        msal = _load_msal()
        _quieten_msal()
        credential: object = service.secret or None
        if service.assertion is not None:
            credential = {"client_assertion": service.assertion}
        # The public class does the same, but warns on stderr about the password grant.
        confidential = credential or service.flow == "password"
        kind = msal.ConfidentialClientApplication if confidential else msal.PublicClientApplication
        return kind(
            service.client_id,
            client_credential=credential,
            authority=service.authority.address,
            http_client=self._http,
            # The choice of the cloud decided which hosts are trusted; asking one of them costs a request.
            instance_discovery=False,
            azure_region=getattr(msal.ClientApplication, "DISABLE_MSAL_FORCE_REGION", None),
        )

    def granted(self, result: object) -> Grant:
        """Return the token in MSAL's result, or raise the error in it."""
        if not isinstance(result, dict):
            raise self._misunderstood(None)
        token, kind = result.get("access_token"), result.get("token_type") or "Bearer"
        if not isinstance(token, str) or not token:
            raise self.explained(result)
        # It becomes a header, which consists of visible characters (RFC 6750, 2.1).
        if not token.isascii() or not token.isprintable() or " " in token or str(kind).lower() != "bearer":
            raise self._misunderstood(None)
        claims, expires_in, scope = (result.get(name) for name in ("id_token_claims", "expires_in", "scope"))
        return Grant(
            access_token=token,
            token_type="Bearer",
            asked_at=self._http.asked_at,
            expires_in=float(expires_in) if isinstance(expires_in, int) else DEFAULT_LIFETIME_S,
            refresh_in=self._http.refresh_in,
            scopes=tuple(scope.split()) if isinstance(scope, str) else (),
            refresh_token=str(result.get("refresh_token") or ""),
            id_claims=cast("dict[str, JSON]", claims) if isinstance(claims, dict) else {},
        )

    def _misunderstood(self, error: Exception | None) -> EntraError:
        from entrakit.sign_in.errors import misunderstood

        return misunderstood(error, self._service.authority.cloud.authority, self._http.correlation_id)

    def explained(self, result: Mapping[str, object]) -> EntraError:
        """Return the error in an answer of the service."""
        from entrakit.sign_in.errors import error_from

        service = self._service
        if "error" not in result:
            return self._misunderstood(None)
        return error_from(
            {"correlation_id": self._http.correlation_id, **result}, flow=service.flow,
            tenant=service.authority.tenant_id, client_id=service.client_id, scopes=self._scopes,
            authority=service.authority.cloud.authority, status=self._http.status,
            retry_after_s=self._http.retry_after_s, skew_s=service.transport.skew_s, hide=self._hide,
        )  # fmt: skip


class MsalResponse:
    """An answer in the form that MSAL reads.

    Args:
        status_code: The HTTP status.
        text: The body.
    """

    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, status_code: int, text: str) -> None:
        self.status_code = status_code
        self.text = text

    def raise_for_status(self) -> None:
        """Raise NetworkError for a status of 400 or more."""
        if self.status_code >= 400:
            raise NetworkError(f"The service answered with HTTP {self.status_code}.")


class MsalHttp:
    """The HTTP client for one call of MSAL; remembers status, time and headers of the last answer.

    Args:
        authority: The authority that MSAL calls.
        transport: Transport that sends the requests.
        repeatable: False if no request may be sent twice.
    """

    def __init__(self, authority: Authority, transport: Transport, *, repeatable: bool) -> None:
        self.authority = authority
        self.transport = transport
        self.repeatable = repeatable
        self.asked_at = transport.clock.time()
        self.correlation_id = ""
        self.retry_after_s: float | None = None
        self.status = 400
        self.refresh_in: float | None = None

    def get(
        self, url: str, params: object = None, headers: Mapping[str, str] | None = None, **unused: object
    ) -> MsalResponse:
        """Answer the request for the metadata from the stored document; send other requests."""
        del params, unused
        authority = self.authority
        if url.endswith("/.well-known/openid-configuration"):
            return MsalResponse(200, authority.document)
        _, found, user = url.partition("/common/userrealm/")
        if found:
            # MSAL omits the port, and does not encode the user name.
            name = quote(user.rpartition("?")[0], safe="@")
            url = f"{authority.cloud.authority}/common/userrealm/{name}?api-version=1.0"
        answer = self.transport.send("GET", url, headers=headers)
        return self._json(answer) if found and answer.status != 404 else MsalResponse(answer.status, answer.text)

    def post(
        self, url: str, params: object = None, data: object = None, headers: Mapping[str, str] | None = None,
        **unused: object,
    ) -> MsalResponse:  # fmt: skip
        """Send MSAL's form, or its SOAP message to the tenant's federation service."""
        del params, unused
        fields, repeatable = dict(headers or {}), self.repeatable
        self.correlation_id = fields.get("client-request-id", "")
        # In the forms of MSAL, a field with the value None is omitted; a SAML assertion is bytes.
        form = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else None
        body = str(data or "") if form is None else urlencode(form)
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            # Federation services answer a wrong password with 500: another attempt could lock the account.
            repeatable = False
            log.warning("The password goes to %s, the federation service of this tenant.", shown_host(url))
        self.asked_at = self.transport.clock.time()
        answer = self.transport.send("POST", url, headers=fields, body=body, repeatable=repeatable)
        return self._json(answer) if form is not None else MsalResponse(answer.status, answer.text)

    def close(self) -> None:
        """Do nothing: the transport outlives the call."""

    def _json(self, answer: Response) -> MsalResponse:
        """Return an answer of the token service in the form that MSAL reads, or raise the error in it."""
        self.status = answer.status
        if not answer.is_success:
            self.retry_after_s = retry_after(answer)
        try:
            body = json.loads(answer.text)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and isinstance(body.get("error"), dict):
            from entrakit.sign_in.errors import flat

            body = flat(body)
        described = isinstance(body, dict) and isinstance(body.get("error"), str)
        if answer.status == 429 and not described:
            raise ThrottledError(
                "The token service received too many requests (HTTP 429).",
                retry_after_s=self.retry_after_s,
                remedy="Wait and try again.",
                correlation_id=self.correlation_id,
            )
        if answer.status >= 500:
            raise unavailable(answer)
        if not isinstance(body, dict):
            from entrakit.sign_in.errors import not_json

            raise not_json(answer)
        for name in NUMBERS:
            if body.get(name) is not None:
                body[name] = int(seconds_of(body[name], 0.0))
        self.refresh_in = float(body.get("refresh_in") or 0) or None
        kept = {name: value for name, value in body.items() if value is not None}
        # MSAL raises only for a status of 500 and more; below that, the body decides.
        return MsalResponse(min(answer.status, 400), json.dumps(kept))


def _load_msal() -> ModuleType:
    """Return MSAL's application module, without the modules that only managed identities need.

    The package's `__init__` imports requests for them, a second HTTP stack, which takes half of the time of a cold
    sign-in. In a program that has already imported MSAL, the module is not changed.
    """
    is_first = "msal" not in sys.modules
    if is_first:
        from entrakit.http.lazy_package import make_lazy

        make_lazy("msal")
    import_module("msal.auth_scheme")
    application = import_module("msal.application")
    if is_first:
        # This function searches for an old msal-extensions and so imports the whole package; no extensions are used.
        application.__dict__[EXTENSION_CHECK] = bool
    return application


def _quieten_msal() -> None:
    """Keep MSAL's log lines about our calls, which hold codes, verifiers and user names, out of every log."""
    logger = logging.getLogger("msal")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    for name in [one for one in logging.root.manager.loggerDict if one.startswith("msal")]:
        logging.getLogger(name).addFilter(_is_foreign)


def _is_foreign(record: logging.LogRecord) -> bool:
    """Return whether a log record is a warning, or about a call of the program itself, which may log what it likes."""
    return record.levelno >= logging.WARNING or not _is_called.get()


def seconds_of(value: object, default: float) -> float:
    """Return a number of seconds that may be a string, as the v1 service sends it; else the default."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else default
    except ValueError:
        return default
    return seconds if 0 <= seconds < 1e9 else default
