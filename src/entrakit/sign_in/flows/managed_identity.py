"""The managed identity of the host that this program runs on: Azure keeps its credential, and the host gives tokens.

    app                         host                        token service
     │ resource, id (perhaps)    │  keeps tokens for a day    │
     ├──────────────────────────▶├───────────────────────────▶│  if it has no token
     │◀──────────────────────────┤  access token, expiry      │

The endpoint of the host is found for each token, since its address and secret change when the program starts again.
`sign_in/identity_hosts` describes the hosts. Claims of the token are for display, and to notice another identity.
"""

from __future__ import annotations

import os
import re
from random import random
from typing import TYPE_CHECKING, Any

from entrakit.authority.tenants import is_guid, parse_client_id
from entrakit.errors import NetworkError, ParameterError, SignInError, TlsError, UnexpectedAnswerError
from entrakit.http import failures, retry
from entrakit.http.message import Response
from entrakit.http.transport import LONGEST_ANSWER, waits
from entrakit.sign_in.arc_key import read_key, tokens_folder
from entrakit.sign_in.flow import Flow
from entrakit.sign_in.flows.access_token import grant_of
from entrakit.sign_in.identity_answers import failure, lifetime, refresh_in, refuse_other, same_again, token_of
from entrakit.sign_in.identity_hosts import KINDS, Identity, find_host, probe_of
from entrakit.tokens.jwt import decode_claims
from entrakit.tokens.scopes import DEFAULT, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from entrakit.http.direct import Endpoint
    from entrakit.http.message import Request
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.sign_in.grant import Grant
    from entrakit.sign_in.identity_hosts import Host
    from entrakit.tokens.request import TokenRequest
    from entrakit.tokens.token import Token

# Off Azure, nobody answers at the address of a virtual machine's endpoint.
PROBE_S = 1.0
# The service of virtual machines may be updated for 70 seconds, and then answers 410.
UPDATED, UPDATE_S, UPDATE_ATTEMPTS = 410, 70.0 + retry.LONGEST_DELAY_S, 12
_RESOURCE_ID = re.compile(r"/subscriptions/[^/\s]+/resourcegroups/[^/\s]+/providers/[^\s]+/[^/\s]+", re.IGNORECASE)


class ManagedIdentity(Flow):
    """A managed identity of this host.

    Args:
        managed_identity: True for the identity of the host; the id of one that is assigned to it.
        identity_type: Kind of the id: `client_id` (the default), `object_id` or `resource_id`.

    Raises:
        ParameterError: The id does not have the form of its kind, or the kind is unknown.
    """

    __slots__ = ("client_id", "is_capable", "origin", "refused", "which")

    name = "managed_identity"
    is_app = True
    is_local = True
    needs_ids = False
    learns_app = True
    stores_tokens = True
    default_scopes = (DEFAULT,)
    tenant_id = "organizations"
    which: Identity
    client_id: str
    origin: tuple[tuple[str, str], ...]
    refused: str
    is_capable: bool

    def __init__(self, managed_identity: bool | str = True, identity_type: str = "") -> None:
        which = _identity(managed_identity, identity_type)
        put = object.__setattr__
        put(self, "which", which)
        put(self, "client_id", which.id if which.kind == "client_id" else "")
        put(self, "origin", (("identity", f"{which.kind}:{which.id}" if which.kind else "host"),))
        put(self, "refused", "")
        put(self, "is_capable", False)

    def __repr__(self) -> str:
        return f"ManagedIdentity({self.which.id!r}, {self.which.kind!r})" if self.which.kind else "ManagedIdentity()"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value of `managed_identity` and `identity_type`."""
        found = cls(given["managed_identity"], given.get("identity_type") or "")
        if given["client_id"] and parse_client_id(given["client_id"]) != found.client_id:
            raise ParameterError(
                "`client_id` does not name a managed identity.",
                remedy="Use `managed_identity='ID'` for one of several; otherwise leave `client_id` out.",
            )
        return found

    def renewing(self, request: TokenRequest, before: Token | None) -> Self:
        """Return this value for one renewal: it knows the token that was refused, and whether CAE is possible."""
        other = type(self)(self.which.id or True, self.which.kind)
        object.__setattr__(other, "refused", before.access_token if request.claims and before is not None else "")
        object.__setattr__(other, "is_capable", request.cae)
        return other

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
        """Return the token that the host gives.

        Raises:
            ParameterError: A program can't choose this identity on this host. Nothing was sent.
            SignInError: The host does not have this identity, or its answer is for another one.
            NetworkError: The host has no endpoint, or it gave no usable answer.
        """
        del timeout_s
        host, resource = find_host(os.environ), resource_of(scopes[0])
        host.check(self.which)
        sender = _Sender(host, transport)
        if host.is_probed:
            sender.probe()
        request = host.request(resource, self.which, refused=self.refused, is_capable=self.is_capable)
        now = transport.clock.time()
        response = sender.send(request)
        if response.status == 400 and (plain := host.request(resource, self.which)).url != request.url:
            # Its platform is older than claims challenges.
            response = sender.send(plain)
        if not response.is_success:
            raise failure(
                host, response, resource=resource, identity=self.which, authority=authority, client_id=client_id
            )
        token, body = token_of(host, response)
        if token == self.refused:
            raise same_again(host, claims)
        refuse_other(host, body, token, resource=resource, identity=self.which, authority=authority)
        lives_s = lifetime(body, now)
        if lives_s is None or lives_s <= 0:
            what = "does not say when it expires" if lives_s is None else "has expired"
            raise SignInError(
                f"The token of the managed identity {what}.",
                remedy="Check this machine's clock, then try again.",
                error="invalid_token",
            )
        shown = decode_claims(token) or {}
        app = next((one for one in (body.get("client_id"), shown.get("appid"), shown.get("azp")) if _is_guid(one)), "")
        grant = grant_of(token, now, now + lives_s)
        return grant._replace(refresh_in=refresh_in(body, lives_s), client_id=str(app).lower())

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Self:
        """Return the same value: the host is asked again."""
        del now, environ, open_connection
        kind, _, one = dict(settings.origin).get("identity", "host").partition(":")
        return cls(one, kind) if one else cls()

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the parameters that name the identity."""
        which = cls.read_again(settings, 0.0).which
        more = {} if which.kind in ("", "client_id") else {"identity_type": which.kind}
        return {"managed_identity": which.id or True, **more}

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the host of this process, and the identity whose token it gives."""
        try:
            return f"{find_host(os.environ).title}, as {cls.read_again(settings, 0.0).which}"
        except ParameterError:
            return "this host"


FLOW = ManagedIdentity


class _Sender:
    """Sends requests to the endpoint of a host, again if that is safe and can help."""

    __slots__ = ("_endpoint", "_host", "_transport")

    def __init__(self, host: Host, transport: Transport) -> None:
        from entrakit.http.direct import Endpoint

        self._host = host
        self._transport = transport
        self._endpoint: Endpoint = Endpoint(host.url, thumbprint=host.thumbprint, ca_bundle=transport.ca_bundle)

    def probe(self) -> None:
        """Raise NetworkError if nobody answers in a second, or somebody else than Azure."""
        answer = self._once(probe_of(self._host), PROBE_S, PROBE_S)
        problem = answer.problem if isinstance(answer, NetworkError) else ""
        if isinstance(answer, Response) and answer.status in (401, 403):
            problem = f"Another service than Azure's answers (HTTP {answer.status})."
        if problem:
            raise NetworkError(
                f"This machine is not a host of managed identities in Azure. {problem}",
                remedy="If it is one, allow this program to reach 169.254.169.254. Otherwise select another way to "
                "sign in, such as `azure_cli=True`.",
                retryable=False,
            )

    def send(self, request: Request) -> Response:
        """Return the response; for Azure Arc, after its challenge.

        Raises:
            NetworkError: No response arrived.
            SignInError: The challenge of Azure Arc can't be answered.
        """
        clock, host, attempts = self._transport.clock, self._host, self._transport.attempts
        begun, attempt, timeout_s = clock.monotonic(), 0, self._transport.timeout_s
        while True:
            attempt += 1
            outcome = self._challenged(request, timeout_s)
            if isinstance(outcome, Response):
                may_pass = retry.may_pass(outcome.status) or outcome.status in host.passes
                after_s = retry.retry_after(outcome)
                is_updated = outcome.status == UPDATED and attempts > 1
            else:
                may_pass, after_s, is_updated = outcome.retryable, None, False
            delay_s = None
            if may_pass:
                delay_s = retry.delay_before(
                    attempt, elapsed_s=clock.monotonic() - begun, retry_after_s=after_s, random=random,
                    attempts=UPDATE_ATTEMPTS if is_updated else attempts,
                    patience_s=UPDATE_S if is_updated else retry.PATIENCE_S,
                )  # fmt: skip
            if delay_s is None:
                break
            waits.info("waiting %.1f s: %s", delay_s, failures.reason_of(outcome))
            clock.sleep(delay_s)
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, TlsError | UnexpectedAnswerError):
            raise outcome
        raise NetworkError(
            f"The identity endpoint of {host.title} gave no answer. {outcome.problem}",
            remedy="Try again. If it fails again, start the host again.",
            host=outcome.host,
        ) from outcome

    def _challenged(self, request: Request, timeout_s: float) -> Response | NetworkError:
        """Send a request, and again with the content of the file that a challenge of Azure Arc names."""
        outcome = self._once(request, timeout_s, LONGEST_ANSWER * timeout_s)
        if self._host.name != "arc" or isinstance(outcome, NetworkError) or outcome.status != 401:
            return outcome
        # A file answers one challenge only.
        key = read_key(outcome.headers.get("www-authenticate", ""), tokens_folder())
        answering = request._replace(headers={**request.headers, "authorization": f"Basic {key}"})
        return self._once(answering, timeout_s, LONGEST_ANSWER * timeout_s)

    def _once(self, request: Request, timeout_s: float, longest_s: float) -> Response | NetworkError:
        connect_s = min(timeout_s, PROBE_S) if self._host.is_probed else timeout_s
        try:
            return self._endpoint.send(
                request, timeout_s=timeout_s, longest_s=longest_s, connect_s=connect_s,
                sent_at=self._transport.clock.time(),
            )  # fmt: skip
        except NetworkError as error:
            return error


def _identity(managed_identity: bool | str, kind: str) -> Identity:
    """Return the identity that the parameters name. Raises ParameterError if they name none."""
    if managed_identity is True:
        if kind:
            raise ParameterError("`identity_type` is for an id.", remedy="Use `managed_identity='ID'` with it.")
        return Identity()
    kind = kind or "client_id"
    if kind not in KINDS:
        raise ParameterError(f"{kind!r} is not a kind of id.", remedy=f"Use one of these: {', '.join(KINDS)}.")
    text = managed_identity.strip().strip("{}") if isinstance(managed_identity, str) else ""
    if kind == "resource_id":
        if _RESOURCE_ID.fullmatch(text):
            return Identity(kind, text)
        expected = "/subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
        raise ParameterError("The resource id of the managed identity is incomplete.", remedy=f"Use {expected}.")
    if not is_guid(text.lower()):
        hint = " A resource id requires `identity_type='resource_id'`." if text.startswith("/") else ""
        raise ParameterError(
            f"The {kind.replace('_', ' ')} of the managed identity is not a GUID.",
            remedy=f"Copy it from the page of the identity in the Azure portal.{hint}",
        )
    return Identity(kind, text.lower())


def _is_guid(value: object) -> bool:
    return isinstance(value, str) and is_guid(value.lower())
