"""The browser, or where no browser can open, a code on another device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrakit.sign_in.flow import Flow
from entrakit.sign_in.flows.browser import Browser
from entrakit.sign_in.flows.devicecode import OtherDevice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import SavedSettings


class BrowserOrDeviceCode(Flow):
    """A user who signs in with the browser if one can open on this machine, and else on another device.

    The connection is that of the way that was used.

    Args:
        browser: The sign-in with the browser.
        other_device: The sign-in with a code.
    """

    __slots__ = ("browser", "other_device", "username")

    name = "browser"
    is_silent = False
    is_ready = False
    browser: Browser
    other_device: OtherDevice

    def __init__(self, browser: Browser | None = None, other_device: OtherDevice | None = None) -> None:
        put = object.__setattr__
        put(self, "browser", browser or Browser())
        put(self, "other_device", other_device or OtherDevice())
        put(self, "username", self.browser.username)

    def __repr__(self) -> str:
        return f"BrowserOrDeviceCode({self.browser!r})"

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value with the parameters of both ways."""
        return cls(Browser.from_parameters(given), OtherDevice.from_parameters(given))

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return the browser if one can open, or if the program opens it; else the other device."""
        del now, open_connection
        from entrakit.sign_in.system_browser import can_open

        return self.browser if self.browser.open_browser is not None or can_open() else self.other_device

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the switch `browser_or_device_code`."""
        del settings
        return {"browser_or_device_code": True}


FLOW = BrowserOrDeviceCode
