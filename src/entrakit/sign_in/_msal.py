"""The token service, spoken to through MSAL. The only file that imports it.

MSAL knows the protocol: the parameters of each grant, PKCE, state and nonce, the federated password sign-in. It
does not decide how requests travel, when they are repeated, or what is kept: its HTTP client is ours, its own caches
live for one call only, and what it returns as dictionaries or raises in many kinds leaves here as `Grant` or as one
of our errors.
"""

from __future__ import annotations

import logging
import traceback
from typing import cast

from entrakit.errors import EntraError, NetworkError, SignInError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.sign_in._lazy_package import make_lazy
from entrakit.sign_in._msal_transport import MsalHttp, seconds_of
from entrakit.sign_in.grant import CodeRequest, DeviceRequest, Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    import msal

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.tokens.jwt import JSON

DEFAULT_LIFETIME_S = 3599.0

log = logging.getLogger("entrakit.msal")


class TokenService:
    """One app at one authority.

    Args:
        authority: What the authority says of itself.
        client_id: The app.
        transport: What sends.
        flow: The flow that asks, for error texts.
        secret: The app's client secret.
        assertion: Makes a client assertion (RFC 7523), anew for each request.
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
        self._secret = secret
        self._assertion = assertion

    def request_code(
        self, scopes: Sequence[str], *, redirect_uri: str, state: str, response_mode: str, claims: str = "",
        prompt: str = "", login_hint: str = "", domain_hint: str = "",
    ) -> CodeRequest:  # fmt: skip
        """Begin an authorization code flow with PKCE (RFC 7636), state and nonce. Nothing is sent."""
        call = _Call(self)
        flow = call.run(
            lambda app: app.initiate_auth_code_flow(
                list(scopes),
                redirect_uri=redirect_uri,
                state=state,
                response_mode="form_post",
                prompt=prompt or None,
                login_hint=login_hint or None,
                domain_hint=domain_hint or None,
                claims_challenge=claims or None,
            )
        )
        # MSAL warns on stderr about any mode but form_post; a person who pastes the address needs the query.
        url = str(flow["auth_uri"]).replace("response_mode=form_post", f"response_mode={response_mode}")
        return CodeRequest(url, state, flow)

    def redeem_code(self, request: CodeRequest, answer: Mapping[str, str]) -> Grant:
        """Redeem the authorization code of an answer whose state was checked (RFC 6749, 4.1.3)."""
        call = _Call(self, repeatable=False, hide=(answer.get("code", ""),))
        return call.grant(lambda app: app.acquire_token_by_auth_code_flow(request.flow, dict(answer)))

    def explain(self, answer: Mapping[str, str]) -> EntraError:
        """Return the error that an answer to the authorization request stands for (RFC 6749, 4.1.2.1)."""
        return _Call(self).explained(answer)

    def request_device_code(self, scopes: Sequence[str], *, claims: str = "") -> DeviceRequest:
        """Ask for a device code and a user code (RFC 8628, 3.1)."""
        call = _Call(self)
        flow = call.run(lambda app: app.initiate_device_flow(list(scopes), claims_challenge=claims or None))
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
        """Ask once whether the person has answered (RFC 8628, 3.4); not yet is a SignInError too."""
        request.flow["latest_attempt_at"] = 0  # when to poll is our caller's business
        call = _Call(self, repeatable=False, hide=(str(request.flow.get("device_code", "")),))
        return call.grant(
            lambda app: app.acquire_token_by_device_flow(
                request.flow, exit_condition=lambda _: True, claims_challenge=claims or None
            )
        )

    def grant_client(self, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Get a token for the app itself (RFC 6749, 4.4)."""
        call = _Call(self, hide=(self._secret,))
        return call.grant(
            # Without a kind of its own, MSAL would load requests only to know what a network error is.
            lambda app: app.acquire_token_for_client(
                list(scopes), claims_challenge=claims or None, http_exceptions=(NetworkError,)
            )
        )

    def grant_password(self, username: str, password: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Exchange a user name and a password (RFC 6749, 4.3), through the tenant's federation if it has one."""
        call = _Call(self, hide=(password,))
        return call.grant(
            lambda app: app.acquire_token_by_username_password(
                username, password, list(scopes), claims_challenge=claims or None
            )
        )

    def refresh(self, refresh_token: str, scopes: Sequence[str], *, claims: str = "") -> Grant:
        """Redeem a refresh token, for scopes of any one resource (RFC 6749, 6)."""
        call = _Call(self, hide=(refresh_token,))
        return call.grant(
            lambda app: app.acquire_token_by_refresh_token(refresh_token, list(scopes), data={"claims": claims})
        )

    def application(self, http_client: MsalHttp) -> msal.ClientApplication:
        """Return MSAL's application for one call, with nothing kept from earlier ones."""
        msal = _load_msal()
        _quieten_msal()
        credential: object = self._secret or None
        if self._assertion is not None:
            credential = {"client_assertion": self._assertion}
        # The public kind, otherwise the same, warns on stderr about the password grant that was asked for by name.
        confidential = credential or self.flow == "password"
        kind = msal.ConfidentialClientApplication if confidential else msal.PublicClientApplication
        return kind(
            self.client_id,
            client_credential=credential,
            authority=self.authority.address,
            http_client=http_client,
            # Which hosts are trusted was decided when the cloud was chosen; asking one of them costs a request.
            instance_discovery=False,
            azure_region=getattr(msal.ClientApplication, "DISABLE_MSAL_FORCE_REGION", None),
        )


class _Call:
    """One use of MSAL."""

    def __init__(self, service: TokenService, *, repeatable: bool = True, hide: Sequence[str] = ()) -> None:
        self._service = service
        self._http = MsalHttp(service.authority, service.transport, repeatable=repeatable)
        self._hide = tuple(text for text in hide if text)

    def run(self, use: Callable[[msal.ClientApplication], object]) -> dict[str, object]:
        """Call MSAL and return its dictionary; whatever it raises comes out as an error of ours."""
        try:
            result = use(self._service.application(self._http))
        except EntraError:
            raise
        except Exception as error:  # noqa: BLE001 - MSAL raises ValueError, RuntimeError, KeyError and more
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.debug("MSAL raised %s in %s, line %s", type(error).__name__, where.name, where.lineno)
            raise self._misunderstood(error) from None
        if not isinstance(result, dict):
            raise self._misunderstood(None)
        return cast("dict[str, object]", result)

    def grant(self, use: Callable[[msal.ClientApplication], object]) -> Grant:
        """Call MSAL for a token and return what was granted, or raise what the service said."""
        result = self.run(use)
        token = result.get("access_token")
        kind = result.get("token_type") or "Bearer"
        if not isinstance(token, str) or not token:
            raise self.explained(result)
        # It becomes a header, which has visible characters only (RFC 6750, 2.1).
        if not token.isascii() or not token.isprintable() or " " in token or str(kind).lower() != "bearer":
            raise self._misunderstood(None)
        claims = result.get("id_token_claims")
        scope = result.get("scope")
        return Grant(
            access_token=token,
            token_type="Bearer",
            asked_at=self._http.asked_at,
            expires_in=seconds_of(result.get("expires_in"), DEFAULT_LIFETIME_S),
            refresh_in=self._http.refresh_in,
            scopes=tuple(scope.split()) if isinstance(scope, str) else (),
            refresh_token=str(result.get("refresh_token") or ""),
            id_claims=cast("dict[str, JSON]", claims) if isinstance(claims, dict) else {},
        )

    def explained(self, result: Mapping[str, object]) -> EntraError:
        """Return the error that the service's answer stands for."""
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
    """Return MSAL's application module, without what only managed identities need.

    The package's own `__init__` imports requests for them, a second HTTP stack, which is half of the time of a cold
    sign-in.
    """
    import sys
    from importlib import import_module

    is_ours = "msal" not in sys.modules
    make_lazy("msal")
    import_module("msal.auth_scheme")
    application = import_module("msal.application")
    if is_ours:
        # It looks whether msal-extensions is new enough, which loads all of the package, and we use no extensions.
        application.__dict__["_msal_extension_check"] = bool
    return application


def _quieten_msal() -> None:
    """Keep MSAL's log lines, which hold codes, verifiers and user names, out of every log (unless level was set)."""
    logger = logging.getLogger("msal")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
