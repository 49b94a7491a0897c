"""Apps, users and refresh tokens as JSON values of a snapshot."""

from __future__ import annotations

import dataclasses
import json

from entrakit_emulator.graph import snapshot_json
from entrakit_emulator.state.identities import App, Permission, Redirect, Secret, read_certificate
from entrakit_emulator.state.key_vault import new_certificate
from entrakit_emulator.state.tickets import RefreshToken, Subject


def test_an_app_is_the_same_after_json() -> None:
    """
    Every field of an app survives, its certificates included.
    """
    app = App(
        "a",
        "Nightly",
        "t",
        redirects=(Redirect("http://localhost", "web"),),
        assigned=frozenset({"u"}),
        secrets=(Secret("value", "id", 1.0),),
        certificates=(read_certificate(new_certificate("Nightly").certificate_pem.encode()),),
        permissions=(Permission("Orders.Read", "Read", "Reads."),),
        granted_roles={"g": ("User.Read.All",)},
        installed_in=frozenset({"t2"}),
    )

    assert app == snapshot_json.app(json.loads(json.dumps(snapshot_json.app_json(app))))


def test_a_refresh_token_is_the_same_after_json() -> None:
    """
    Every field of a refresh token survives, the sign-in included.
    """
    token = RefreshToken("a", Subject("u", "t", 1.0, ("pwd", "mfa"), "s"), "g", "User.Read", 2.0, "public")

    assert token == snapshot_json.refresh_token(json.loads(json.dumps(dataclasses.asdict(token))))
