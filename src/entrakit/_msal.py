"""The token service, spoken to through MSAL. The only file that imports it.

MSAL knows the protocol: the parameters of each grant, PKCE, state and nonce, the federated password sign-in. It
does not decide how requests travel, when they are repeated, or what is kept: its HTTP client is ours, its own caches
live for one call only, and what it returns as dictionaries or raises in many kinds leaves here as `Grant` or as one
of our errors.
"""

from __future__ import annotations

import json
import logging
from typing import NamedTuple, cast
from urllib.parse import quote, urlencode

from entrakit.answers import error_from
from entrakit.errors import EntraError, NetworkError, SignInError, ThrottledError, UnexpectedAnswerError
from entrakit.http import host_of, unavailable
from entrakit.retry import parse_retry_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import msal

    from entrakit.claims import JSON
    from entrakit.http import HttpAnswer, Transport
    from entrakit.metadata import Authority

DEFAULT_LIFETIME_S = 3599.0
NUMBERS = ("expires_in", "ext_expires_in", "refresh_in", "interval", "not_before", "expires_on")

log = logging.getLogger("entrakit.msal")


class Grant(NamedTuple):
    """What the token service granted.

    Args:
        access_token: The access token.
        token_type: How to send it.
        asked_at: When the request was sent, in seconds since 1970.
        expires_in: Seconds that it lives from then.
        refresh_in: Seconds after which to get a new one early; None if the service did not say.
        scopes: What was granted; empty for an app.
        refresh_token: What renews it; empty if none came.
        id_claims: Claims of the ID token, undecided; empty if none came.
    """

    access_token: str
    token_type: str
    asked_at: float
    expires_in: float
    refresh_in: float | None
    scopes: tuple[str, ...]
    refresh_token: str
    id_claims: dict[str, JSON]


class CodeRequest(NamedTuple):
    """An authorization request that waits for its answer (RFC 6749, 4.1.1).

    Args:
        url: Where to send the person's browser.
        state: What the answer must carry.
        flow: MSAL's record of it, with the code verifier and the nonce.
    """

    url: str
    state: str
    flow: dict[str, object]

    def __repr__(self) -> str:
        return "CodeRequest(…)"


class DeviceRequest(NamedTuple):
    """A device authorization that waits for the person (RFC 8628, 3.2).

    Args:
        user_code: What to type.
        verification_uri: Where to type it.
        message: The service's own sentence about it.
        expires_in: Seconds until it ends.
        interval: Seconds between two polls.
        flow: MSAL's record of it, with the device code.
    """

    user_code: str
    verification_uri: str
    message: str
    expires_in: float
    interval: float
    flow: dict[str, object]

    def __repr__(self) -> str:
        return f"DeviceRequest(verification_uri={self.verification_uri!r})"


class TokenService:
    """One app at one authority.

    Args:
        authority: What the authority says of itself.
        client_id: The app.
        transport: What sends.
        flow: The flow that asks, for error texts.
        secret: The app's client secret.
        assertion: Makes a client assertion (RFC 7523), anew for each request.
        reconnect: The command that signs in anew, for error texts.
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
        reconnect: str = "",
    ) -> None:
        self.authority = authority
        self.client_id = client_id
        self.transport = transport
        self.flow = flow
        self._secret = secret
        self._assertion = assertion
        self.reconnect = reconnect

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
            expires_in=_seconds(flow.get("expires_in"), 900.0),
            interval=_seconds(flow.get("interval"), 5.0),
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
        return call.grant(lambda app: app.acquire_token_for_client(list(scopes), claims_challenge=claims or None))

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

    def application(self, http_client: object) -> msal.ClientApplication:
        """Return MSAL's application for one call, with nothing kept from earlier ones."""
        import msal

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
    """One use of MSAL, and its HTTP client: `get` and `post` are what MSAL calls."""

    def __init__(self, service: TokenService, *, repeatable: bool = True, hide: Sequence[str] = ()) -> None:
        self._service = service
        self._repeatable = repeatable
        self._hide = tuple(text for text in hide if text)
        self._asked_at = service.transport.clock.time()
        self._correlation_id = ""
        self._retry_after_s: float | None = None
        self._status = 400
        self._refresh_in: float | None = None

    def run(self, use: Callable[[msal.ClientApplication], object]) -> dict[str, object]:
        """Call MSAL and return its dictionary; whatever it raises comes out as an error of ours."""
        try:
            result = use(self._service.application(self))
        except EntraError:
            raise
        except Exception as error:  # noqa: BLE001 - MSAL raises ValueError, RuntimeError, KeyError and more
            log.debug("MSAL raised %s", type(error).__name__)
            raise self._misunderstood(error) from None
        if not isinstance(result, dict):
            raise self._misunderstood(None)
        return cast("dict[str, object]", result)

    def grant(self, use: Callable[[msal.ClientApplication], object]) -> Grant:
        """Call MSAL for a token and return what was granted, or raise what the service said."""
        result = self.run(use)
        token = result.get("access_token")
        if not isinstance(token, str) or not token:
            raise self.explained(result)
        claims = result.get("id_token_claims")
        scope = result.get("scope")
        return Grant(
            access_token=token,
            token_type=str(result.get("token_type") or "Bearer"),
            asked_at=self._asked_at,
            expires_in=_seconds(result.get("expires_in"), DEFAULT_LIFETIME_S),
            refresh_in=self._refresh_in,
            scopes=tuple(scope.split()) if isinstance(scope, str) else (),
            refresh_token=str(result.get("refresh_token") or ""),
            id_claims=cast("dict[str, JSON]", claims) if isinstance(claims, dict) else {},
        )

    def explained(self, result: Mapping[str, object]) -> EntraError:
        """Return the error that the service's answer stands for."""
        service = self._service
        if "error" not in result:
            return self._misunderstood(None)
        return error_from(
            {"correlation_id": self._correlation_id, **result},
            flow=service.flow,
            tenant=service.authority.tenant_id,
            client_id=service.client_id,
            authority=service.authority.cloud.authority,
            status=self._status,
            retry_after_s=self._retry_after_s,
            skew_s=service.transport.skew_s,
            hide=self._hide,
            reconnect=service.reconnect,
        )

    def get(self, url: str, params: object = None, headers: Mapping[str, str] | None = None, **_: object) -> _Reply:
        """Answer MSAL's discovery from what we know; send its other requests to where they belong."""
        del params
        authority = self._service.authority
        if url.endswith("/.well-known/openid-configuration"):
            return _Reply(200, authority.document, {})
        _, found, user = url.partition("/common/userrealm/")
        if found:
            # MSAL leaves the port out, and the user name as it is.
            name = quote(user.rpartition("?")[0], safe="@")
            url = f"{authority.cloud.authority}/common/userrealm/{name}?api-version=1.0"
        answer = self._service.transport.send("GET", url, headers=headers)
        if found and answer.status != 404:
            return self._json(answer, url)
        return _Reply(answer.status, answer.text, answer.headers)

    def post(
        self, url: str, params: object = None, data: object = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> _Reply:  # fmt: skip
        """Send MSAL's form, or its SOAP message to the tenant's federation service."""
        del params
        fields = dict(headers or {})
        self._correlation_id = fields.get("client-request-id", "")
        form = isinstance(data, dict)
        body = urlencode(data) if isinstance(data, dict) else data if isinstance(data, str | bytes) else ""
        if form:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            log.warning("The password goes to %s, the federation service of this tenant.", host_of(url))
        self._asked_at = self._service.transport.clock.time()
        answer = self._service.transport.send("POST", url, headers=fields, body=body, repeatable=self._repeatable)
        return self._json(answer, url) if form else _Reply(answer.status, answer.text, answer.headers)

    def close(self) -> None:
        """Do nothing: the transport outlives the call."""

    def _json(self, answer: HttpAnswer, url: str) -> _Reply:
        """Return a reply that MSAL can read, or raise for what it would stumble over."""
        now = self._service.transport.clock.time()
        self._status = answer.status
        self._retry_after_s = parse_retry_after(answer.headers.get("retry-after"), now=now)
        try:
            body = json.loads(answer.text)
        except (ValueError, RecursionError):
            body = None
        described = isinstance(body, dict) and isinstance(body.get("error"), str)
        if answer.status == 429 and not described:
            raise ThrottledError(
                "The token service asks to be called less often (HTTP 429).",
                retry_after_s=self._retry_after_s,
                remedy="Wait and try again.",
                correlation_id=self._correlation_id,
            )
        if answer.status >= 500:
            raise unavailable(answer, host=host_of(url), correlation_id=self._correlation_id)
        if not isinstance(body, dict):
            raise _no_json(answer, url, self._correlation_id)
        for name in NUMBERS:
            if name in body:
                body[name] = int(_seconds(body[name], 0.0)) or None
        refresh_in = body.get("refresh_in")
        self._refresh_in = float(refresh_in) if refresh_in else None
        kept = {name: value for name, value in body.items() if value is not None}
        # MSAL raises for a status of 500 and more only; below that the body decides.
        return _Reply(answer.status if answer.status < 400 else 400, json.dumps(kept), {})

    def _misunderstood(self, error: Exception | None) -> EntraError:
        service = self._service
        host = host_of(service.authority.cloud.authority)
        if isinstance(error, RuntimeError) and "nonce" in str(error):
            return SignInError(
                "The ID token does not belong to this sign-in: its nonce is another one.",
                remedy="Start again; if it happens again, somebody may be interfering with the sign-in.",
                error="invalid_nonce",
                correlation_id=self._correlation_id,
            )
        if isinstance(error, RuntimeError) and "RSTR" in str(error):
            return SignInError(
                "The federation service of this tenant refused the user name and password.",
                remedy="Check both, or sign in with a browser: it follows the federation's own pages.",
                error="access_denied",
                correlation_id=self._correlation_id,
            )
        return UnexpectedAnswerError(
            f"The answer of {host} is not one that a token service gives.",
            remedy="Check the cloud that you named, and whether a proxy answers instead of the token service.",
            host=host,
            correlation_id=self._correlation_id,
            retryable=False,
        )


class _Reply:
    """An HTTP answer in the shape that MSAL reads."""

    def __init__(self, status_code: int, text: str, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = headers

    def raise_for_status(self) -> None:
        """Raise for a status of 400 or more."""
        if self.status_code >= 400:
            raise NetworkError(f"The service answered with HTTP {self.status_code}.")


def merged_claims(challenge: str, *, cae: bool) -> str:
    """Return the `claims` parameter: an API's challenge, and that we understand such challenges (CAE).

    Args:
        challenge: JSON text of the challenge; empty if there is none.
        cae: Announce that claims challenges are handled, so that tokens may live longer.
    """
    if not cae:
        return challenge
    claims = json.loads(challenge) if challenge else {}
    claims.setdefault("access_token", {})["xms_cc"] = {"values": ["CP1"]}
    return json.dumps(claims)


def _no_json(answer: HttpAnswer, url: str, correlation_id: str) -> UnexpectedAnswerError:
    page = "<html" in answer.text[:4096].lower() or "text/html" in answer.headers.get("content-type", "")
    host = host_of(url)
    return UnexpectedAnswerError(
        f"{host} answered with {'a web page' if page else 'something else'} instead of a token (HTTP {answer.status}).",
        remedy="This network may want you to sign in first (captive portal), or a proxy answers instead: "
        "open a page in a browser, then try again.",
        host=host,
        correlation_id=correlation_id,
    )


def _seconds(value: object, default: float) -> float:
    """Return a number of seconds that may have come as text, as the v1 service sends it; else the default."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else default
    except ValueError:
        return default
    return seconds if 0 <= seconds < 1e9 else default


def _quieten_msal() -> None:
    """Keep MSAL's log lines, which hold codes, verifiers and user names, out of every log (unless level was set)."""
    logger = logging.getLogger("msal")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
