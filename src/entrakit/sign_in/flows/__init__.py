"""Ways to sign in: one file and one function each, which reads like the diagram of its RFC.

A flow that asks the user is called by its name. For a credential, `with_credential` chooses the flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrakit.certificates import Certificate
    from entrakit.http.transport import Transport
    from entrakit.secret import Secret, UsernamePassword
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant

# A client secret, a user name with its password, or a certificate.
AnyCredential: TypeAlias = "Secret | UsernamePassword | Certificate"
# A flow with its own arguments set: authority, client id, transport and scopes give a grant.
Flow: TypeAlias = "Callable[[Authority, str, Transport, Sequence[str]], Grant]"


def with_credential(
    authority: Authority,
    client_id: str,
    transport: Transport,
    scopes: Sequence[str],
    *,
    credential: AnyCredential,
    send_chain: bool = False,
    claims: str = "",
) -> Grant:
    """Sign in with a credential, by the flow for its kind.

    Args:
        authority: One tenant's authority.
        client_id: The app.
        transport: Transport that sends the requests.
        scopes: Scopes of one resource; one `.default` scope for an app.
        credential: A client secret, a certificate, or a user name and password.
        send_chain: Whether to send the certificate's chain.
        claims: Claims challenge, as JSON; empty for none.

    Raises:
        InteractionRequiredError: The password is not enough: the user must sign in with a browser.
        SignInError: The service refused.
        CertificateError: The certificate can't be used now, or its key could not sign.
        NetworkError: No usable answer.
    """
    from entrakit.secret import Secret, UsernamePassword

    if isinstance(credential, Secret):
        from entrakit.sign_in.flows import secret

        return secret.sign_in(authority, client_id, transport, scopes, secret=credential, claims=claims)
    if isinstance(credential, UsernamePassword):
        from entrakit.sign_in.flows import password

        return password.sign_in(authority, client_id, transport, scopes, credential=credential, claims=claims)
    from entrakit.sign_in.flows import certificate

    credential.check(transport.clock.time())
    return certificate.sign_in(
        authority, client_id, transport, scopes, certificate=credential, send_chain=send_chain, claims=claims
    )
