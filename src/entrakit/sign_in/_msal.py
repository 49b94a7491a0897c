"""The token service, called through MSAL. Only this file imports it.

MSAL knows the protocol: the parameters of each grant, PKCE, state and nonce, the federated password sign-in. It does
not decide how requests are sent, when they are sent again, or what is stored: its HTTP client is ours, and its own
caches live for one call. Its dictionaries and exceptions leave this file as a `Grant` or as one of our errors.
"""

from __future__ import annotations

import logging
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, cast

from entrakit.errors import EntraError, NetworkError, SignInError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.sign_in._msal_transport import MsalHttp, seconds_of
from entrakit.sign_in.grant import CodeRequest, DeviceRequest, Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType, TracebackType
    from typing import Self

    import msal

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.tokens.jwt import JSON

DEFAULT_LIFETIME_S = 3599.0
EXTENSION_CHECK = "_msal_extension_check"

log = logging.getLogger("entrakit.msal")


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
        self.authority = authority
        self.client_id = client_id
        self.transport = transport
        self.flow = flow
        self.secret = secret
        self.assertion = assertion

    def request_code(
        self,
        scopes: Sequence[str],
        *,
        redirect_uri: str,
        state: str,
        response_mode: str,
        claims: str = "",
        prompt: str = "",
        login_hint: str = "",
        domain_hint: str = "",
    ) -> CodeRequest:
        """Begin an authorization code flow with PKCE (RFC 7636), state and nonce. Nothing is sent."""
        with _Call(self) as call:
            flow = call.application().initiate_auth_code_flow(
                list(scopes),
                redirect_uri=redirect_uri,
                state=state,
                response_mode="form_post",
                prompt=prompt or None,
                login_hint=login_hint or None,
                domain_hint=domain_hint or None,
                claims_challenge=claims or None,
            )
            # MSAL warns on stderr about any mode but form_post; a user who pastes the address needs the query.
            url = str(flow["auth_uri"]).replace("response_mode=form_post", f"response_mode={response_mode}")
        return CodeRequest(url, state, flow)

    def redeem_code(self, request: CodeRequest, answer: Mapping[str, str]) -> Grant:
        """Redeem the authorization code of an answer whose state was checked (RFC 6749, 4.1.3)."""
        with _Call(self, repeatable=False, hide=(answer.get("code", ""),)) as call:
            result = call.application().acquire_token_by_auth_code_flow(request.flow, dict(answer))
        return call.granted(result)

    def explain(self, answer: Mapping[str, str]) -> EntraError:
        """Return the error for an unsuccessful answer to the authorization request (RFC 6749, 4.1.2.1)."""
        return _Call(self).explained(answer)

    def request_device_code(self, scopes: Sequence[str], *, claims: str = "") -> DeviceRequest:
        """Request a device code and a user code (RFC 8628, 3.1)."""
        with _Call(self) as call:
            flow = call.application().initiate_device_flow(list(scopes), claims_challenge=claims or None)
            if "error" in flow or not {"user_code", "device_code", "verification_uri"} <= flow.keys():
                raise call.explained(flow)
        return DeviceRequest(
            user_code=str(flow["user_code"]),
            verification_uri=str(flow["verification_uri"]),
            message=str(flow.get("message", "")),
            expires_in=seconds_of(flow.get("expires_in"), 900.0),
            interval=seconds_of(flow.get("interval"), 5.0),
            flow=flow,
        )

    def poll_device_code(self, request: DeviceRequest, *, claims: str = "") -> Grant:
        """Ask once whether the user has signed in (RFC 8628, 3.4); if not yet, that is a SignInError, too."""
        request.flow["latest_attempt_at"] = 0  # our caller decides when to poll
        with _Call(self, repeatable=False, hide=(str(request.flow.get("device_code", "")),)) as call:
            result = call.application().acquire_token_by_device_flow(
                request.flow, exit_condition=lambda _: True, claims_challenge=claims or None
            )
        return call.granted(result)

    def grant_client(self, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Get a token for the app itself (RFC 6749, 4.4)."""
        with _Call(self, hide=(self.secret,)) as call:
            # Without this argument, MSAL would import requests for the type of network errors.
            result = call.application().acquire_token_for_client(
                list(scopes), claims_challenge=claims or None, http_exceptions=(NetworkError,)
            )
        return call.granted(result)

    def grant_password(self, username: str, password: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Exchange a user name and a password (RFC 6749, 4.3), through the tenant's federation if it has one."""
        with _Call(self, hide=(password,)) as call:
            result = call.application().acquire_token_by_username_password(
                username, password, list(scopes), claims_challenge=claims or None
            )
        return call.granted(result)

    def refresh(self, refresh_token: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Redeem a refresh token, for scopes of one resource (RFC 6749, 6)."""
        with _Call(self, hide=(refresh_token,)) as call:
            result = call.application().acquire_token_by_refresh_token(
                refresh_token, list(scopes), data={"claims": claims}
            )
        return call.granted(result)


class _Call:
    """One use of MSAL, as a context manager: an exception of MSAL leaves it as one of our errors."""

    def __init__(self, service: TokenService, *, repeatable: bool = True, hide: Sequence[str] = ()) -> None:
        self._service = service
        self._hide = [text for text in hide if text]
        self._http = MsalHttp(service.authority, service.transport, repeatable=repeatable)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        # The public kind, which is the same otherwise, warns on stderr about the password grant.
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
        token = result.get("access_token")
        kind = result.get("token_type") or "Bearer"
        if not isinstance(token, str) or not token:
            raise self.explained(result)
        # It becomes a header, which consists of visible characters (RFC 6750, 2.1).
        if not token.isascii() or not token.isprintable() or " " in token or str(kind).lower() != "bearer":
            raise self._misunderstood(None)
        claims = result.get("id_token_claims")
        expires_in = result.get("expires_in")
        scope = result.get("scope")
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

    def explained(self, result: Mapping[str, object]) -> EntraError:
        """Return the error in an answer of the service."""
        from entrakit.sign_in.errors import error_from

        service = self._service
        if "error" not in result:
            return self._misunderstood(None)
        return error_from(
            {"correlation_id": self._http.correlation_id, **result},
            flow=service.flow,
            tenant=service.authority.tenant_id,
            client_id=service.client_id,
            authority=service.authority.cloud.authority,
            status=self._http.status,
            retry_after_s=self._http.retry_after_s,
            skew_s=service.transport.skew_s,
            hide=self._hide,
        )

    def _misunderstood(self, error: Exception | None) -> EntraError:
        service = self._service
        host = shown_host(service.authority.cloud.authority)
        if isinstance(error, RuntimeError) and "nonce" in str(error):
            return SignInError(
                "The ID token does not belong to this sign-in: its nonce is another one.",
                remedy="Start again; if it happens again, somebody may be interfering with the sign-in.",
                error="invalid_nonce",
                correlation_id=self._http.correlation_id,
            )
        if isinstance(error, RuntimeError) and "RSTR" in str(error):
            return SignInError(
                "The federation service of this tenant refused the user name and password.",
                remedy="Check both, or sign in with a browser: it follows the federation's own pages.",
                error="access_denied",
                correlation_id=self._http.correlation_id,
            )
        return UnexpectedAnswerError(
            f"The answer of {host} is not one that a token service gives.",
            remedy="Check the cloud that you named, and whether a proxy answers instead of the token service.",
            host=host,
            correlation_id=self._http.correlation_id,
            retryable=False,
        )


def _load_msal() -> ModuleType:
    """Return MSAL's application module, without the modules that only managed identities need.

    The package's own `__init__` imports requests for them, a second HTTP stack, which takes half of the time of a cold
    sign-in. A program that has imported MSAL itself keeps the module as it is.
    """
    is_first = "msal" not in sys.modules
    if is_first:
        from entrakit.sign_in._lazy_package import make_lazy

        make_lazy("msal")
    import_module("msal.auth_scheme")
    application = import_module("msal.application")
    if is_first:
        # This function looks for an old msal-extensions, which imports the whole package; we use no extensions.
        application.__dict__[EXTENSION_CHECK] = bool
    return application


def _quieten_msal() -> None:
    """Keep MSAL's log lines, which hold codes, verifiers and user names, out of every log, unless its level was set."""
    logger = logging.getLogger("msal")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
