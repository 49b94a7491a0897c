"""The purpose of a sign-in: an authorization request of an app, a device, or the consent of an administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import AdminConsentRequest, AuthorizeRequest
from entrakit_emulator.sts import browser
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory, User
    from entrakit_emulator.state.scopes import Scopes
    from entrakit_emulator.state.tickets import DeviceSignIn, Interaction, Subject
    from entrakit_emulator.world import World


class Purpose:
    """The purpose of a sign-in.

    Args:
        world: State of the tenant.
        interaction: State of the user's sign-in.

    Attributes:
        app: The app.
        directory: Tenant that the user must belong to; None for any.
        scopes: Requested scopes.
        request: The authorization request; None for another purpose.
        device: The waiting device; None for another purpose.
        admin: The request for an administrator's consent; None for another purpose.
    """

    def __init__(self, world: World, interaction: Interaction) -> None:
        purpose = interaction.purpose
        self.app: App
        self.directory: Directory | None
        self.scopes: Scopes
        self.request: AuthorizeRequest | None = None
        self.device: DeviceSignIn | None = None
        self.admin: AdminConsentRequest | None = None
        if isinstance(purpose, AuthorizeRequest):
            self.request = purpose
            self.app, self.directory, self.scopes = purpose.app, purpose.directory, purpose.scopes
        elif isinstance(purpose, AdminConsentRequest):
            self.admin = purpose
            self.app, self.directory, self.scopes = purpose.app, purpose.directory, purpose.scopes
        else:
            self.device = purpose
            self.app, self.scopes = world.apps[purpose.client_id], purpose.scopes
            self.directory = world.find_directory(purpose.tenant)


def present(exchange: Exchange, purpose: Purpose) -> list[tuple[User, Subject]]:
    """Return the users signed in with the browser that the purpose accepts, by its tenant and `max_age`."""
    found = browser.signed_in(exchange.world, browser.session_of(exchange), purpose.directory)
    if purpose.request is None or purpose.request.max_age_s is None:
        return found
    oldest = exchange.now - purpose.request.max_age_s
    return [(user, subject) for user, subject in found if subject.at >= oldest]


def find_user(exchange: Exchange, purpose: Purpose, name: str) -> User:
    """Return the user with a typed name.

    Raises:
        ServiceError: The user does not exist (50034), or belongs to another tenant (50020).
    """
    user = exchange.world.find_user(name)
    if user is None:
        tenant = purpose.directory.name if purpose.directory else exchange.tenant
        raise ServiceError(50034, user=name, tenant=tenant)
    if purpose.directory is not None and user.tenant_id != purpose.directory.tenant_id:
        home = exchange.world.tenants[user.tenant_id]
        raise ServiceError(
            50020, user=name, issuer=f"https://sts.windows.net/{home.tenant_id}/", tenant=purpose.directory.name,
            app=purpose.app.client_id, name=purpose.app.name,
        )  # fmt: skip
    return user
