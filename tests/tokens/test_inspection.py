"""Inspection of tokens: content, permissions and warnings."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.errors import PermissionMissingError
from entrakit.tokens.inspection import Inspection, Permission, inspect, require
from entrakit.tokens.jwt import MAX_TOKEN

NOW = 1_800_000_000.0
GRAPH = "https://graph.microsoft.com"
GRAPH_ID = "00000003-0000-0000-c000-000000000000"
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "3f1c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"
OBJECT = "6a1b9a5f-0000-4000-8000-3c5e7d9f1b2a"

TIMES: dict[str, object] = {"iat": NOW - 300, "nbf": NOW - 300, "exp": NOW + 3600}
PERSON: dict[str, object] = TIMES | {
    "aud": GRAPH, "tid": TENANT, "appid": CLIENT, "app_displayname": "Orders", "idtyp": "user", "ver": "1.0",
    "oid": OBJECT, "sub": "pairwise", "upn": "ada@contoso.com", "scp": "User.Read.All Mail.Read openid",
    "amr": ["pwd", "mfa"],
    "wids": ["62e90394-69f5-4237-9190-012177145e10", "b79fbf4d-3ef9-4689-8143-76b194e85509"],
}  # fmt: skip
APP: dict[str, object] = TIMES | {
    "aud": GRAPH_ID, "tid": TENANT, "appid": CLIENT, "idtyp": "app", "ver": "1.0", "oid": OBJECT, "sub": OBJECT,
    "roles": ["Mail.Read", "Group.Create"], "appidacr": "2", "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
}  # fmt: skip


def jwt(claims: object, header: object = None) -> str:
    """Return a token with these claims, without a valid signature."""
    parts = (json.dumps(part).encode() for part in (header or {"typ": "JWT", "alg": "RS256"}, claims))
    return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "c2ln"])


def words(**claims: object) -> Inspection:
    """Return the inspection of a user's token with some claims changed."""
    return inspect(jwt(PERSON | claims), NOW)


def test_a_persons_token_in_words() -> None:
    """
    The inspection has account, audience, app, lifetime, permissions and sign-in methods (user wish 24).
    """
    found = inspect(jwt(PERSON), NOW)

    assert ("user", "Microsoft Graph", "ada@contoso.com") == (found.kind, found.resource, found.account)
    assert (TENANT, CLIENT, "Orders", "1.0") == (found.tenant_id, found.client_id, found.app_name, found.version)
    assert ("more than one factor", "password") == found.methods
    assert (3600.0, ()) == (found.remaining_s, found.warnings)
    assert datetime(2027, 1, 15, 9, 0, tzinfo=UTC) == found.expires_on
    assert (
        Permission("Mail.Read", "delegated", "read the user's mail"),
        Permission("User.Read.All", "delegated", "read all profiles of users, in full"),
        Permission("openid", "delegated", "sign the user in"),
        Permission("Global Administrator", "directory role", "manage everything in the tenant"),
    ) == found.permissions


def test_an_apps_token_in_words() -> None:
    """
    An app has application permissions, which allow more than delegated ones of the same name, and no account.
    """
    found = inspect(jwt(APP), NOW)

    assert ("app", "Microsoft Graph", "") == (found.kind, found.resource, found.account)
    assert ("certificate or federated credential",) == found.methods
    assert (
        Permission("Group.Create", "application", "create groups"),
        Permission("Mail.Read", "application", "read the mail of all mailboxes"),
    ) == found.permissions
    assert () == inspect(jwt(APP | {"appidacr": "9"}), NOW).methods


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"idtyp": "app"}, "app"),
        ({"idtyp": "user", "oid": "x", "sub": "x"}, "user"),
        ({"oid": "x", "sub": "x"}, "app"),
        ({"oid": "x", "sub": "x", "scp": "User.Read"}, "user"),
        ({"oid": "x", "sub": "y"}, "user"),
        ({}, "user"),
        ({"idtyp": 7, "oid": 1, "sub": 1}, "user"),
    ],
)
def test_person_or_app(claims: dict[str, object], expected: str) -> None:
    """
    `idtyp` decides; without it, the token of an app has equal subject and object and no scopes.
    """
    assert expected == inspect(jwt(claims), NOW).kind


def test_a_v2_token_of_an_own_api() -> None:
    """
    Version 2.0 names the app `azp` and the user `preferred_username`; users may have app roles, too.
    """
    claims = TIMES | {"aud": OBJECT, "azp": CLIENT, "ver": "2.0", "preferred_username": "ada@contoso.com",
                      "roles": ["Orders.Approve"], "scp": "Orders.Read", "azpacr": "0"}  # fmt: skip
    found = inspect(f"  Bearer {jwt(claims)}\n", NOW)

    assert (CLIENT, "ada@contoso.com", "2.0", "") == (found.client_id, found.account, found.version, found.resource)
    assert [("Orders.Read", "delegated"), ("Orders.Approve", "app role")] == [one[:2] for one in found.permissions]
    assert () == found.warnings


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (PERSON | {"exp": NOW - 1}, "It has expired."),
        (PERSON | {"exp": None}, "has no expiry time"),
        (PERSON | {"exp": "soon"}, "has no expiry time"),
        (PERSON | {"exp": 1e300}, "has no expiry time"),
        (PERSON | {"exp": True}, "has no expiry time"),
        (PERSON | {"nbf": NOW + 301}, "not valid yet"),
        (PERSON | {"ver": "3.0"}, "neither 1.0 nor 2.0"),
        (APP | {"roles": []}, "no permission"),
        (TIMES | {"ver": "2.0", "aud": CLIENT, "nonce": "x", "oid": OBJECT, "sub": "y"}, "ID token"),
    ],
)
def test_what_is_unusual_is_said(claims: dict[str, object], expected: str) -> None:
    """
    A token that is expired, not yet valid, of an unknown version, without permissions, or not an access token gets a
    warning.
    """
    warnings = inspect(jwt(claims), NOW).warnings

    assert 1 == len(warnings)
    assert expected in warnings[0]


def test_a_clock_may_be_a_little_off() -> None:
    """
    A token that begins in five minutes gets no warning; an expired one has no time left.
    """
    assert () == words(nbf=NOW + 299).warnings
    assert 0.0 == words(exp=NOW - 1000).remaining_s
    assert words(exp=None).remaining_s is None


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", "The token is empty"),
        ("EwCYA8l6BAAU-opaque", "opaque"),
        ("a.b.c", "opaque"),
        (jwt({}, {"alg": "RSA-OAEP", "enc": "A256GCM"}).replace("c2ln", "iv.text.tag"), "encrypted"),
        (jwt(PERSON)[:-200].rpartition(".")[0] + ".YQ.c2ln", "damaged"),
        (jwt(["no", "object"]), "damaged"),
        ("x" * (MAX_TOKEN + 1), "64 KiB"),
    ],
)
def test_what_can_not_be_read_says_why(token: str, expected: str) -> None:
    """
    Opaque, encrypted, damaged and huge tokens are distinguished, and their content is left empty (checklist 36).
    """
    found = inspect(token, NOW)

    assert "unreadable" == found.kind
    assert expected in found.warnings[0]
    assert ((), {}) == (found.permissions, found.claims)


@pytest.mark.parametrize(
    "names",
    [
        ["User.Read.All"],
        ["user.read.ALL", "MAIL.read"],
        [f"{GRAPH}/User.Read.All"],
        [f"{GRAPH_ID}/User.Read.All"],
        ["HTTPS://GRAPH.microsoft.com/Mail.Read"],
        ["https://graph.microsoft.com//Mail.Read"],
        [],
    ],
)
def test_a_permission_is_found_by_any_of_its_names(names: list[str]) -> None:
    """
    A permission is found in any case, with or without its resource as address or id.
    """
    require(inspect(jwt(PERSON), NOW), names)
    require(inspect(jwt(PERSON | {"aud": GRAPH_ID}), NOW), names)
    require(inspect(jwt(PERSON | {"aud": [GRAPH]}), NOW), names)


@pytest.mark.parametrize(
    ("audience", "name", "expected"),
    [
        (GRAPH, "https://vault.azure.net/User.Read.All", False),
        (GRAPH, "https://graph.microsoft.us/User.Read.All", False),
        (GRAPH_ID, "https://graph.microsoft.us/User.Read.All", True),
        ("https://graph.microsoft.us", f"{GRAPH_ID}/User.Read.All", True),
        ("https://graph.microsoft.us", f"{OBJECT}/User.Read.All", False),
        ("https://management.azure.com/", "https://management.core.windows.net//User.Read.All", True),
        ("api://orders", "api://orders/User.Read.All", True),
        ("api://orders", "api://invoices/User.Read.All", False),
        (OBJECT, f"api://{OBJECT}/User.Read.All", True),
        (OBJECT, "api://orders/User.Read.All", True),
        (OBJECT, f"{GRAPH}/User.Read.All", False),
        (f"spn:{OBJECT}", f"{OBJECT}/User.Read.All", True),
    ],
)
def test_the_resource_must_be_the_tokens(audience: str, name: str, *, expected: bool) -> None:
    """
    A permission of the same name for another resource does not count; an unknown id may have any address.
    """
    found = words(aud=audience)

    if expected:
        require(found, [name])
    else:
        with pytest.raises(PermissionMissingError):
            require(found, [name])


def test_only_the_very_permission_counts() -> None:
    """
    A broader permission does not count: the error names the missing one and mentions the broader one.
    """
    with pytest.raises(PermissionMissingError) as caught:
        require(words(scp="User.ReadWrite.All"), ["User.Read.All", "Mail.Read", "User.ReadWrite.All"])

    assert ("User.Read.All", "Mail.Read") == caught.value.missing
    assert "The token lacks User.Read.All, Mail.Read." == caught.value.problem
    assert "User.ReadWrite.All, which the token has, also covers calls" in caught.value.remedy
    assert "delegated permission" in caught.value.remedy
    assert 9 == caught.value.exit_code


def test_an_app_is_told_of_application_permissions() -> None:
    """
    For an app, the remedy is an application permission with an administrator's consent.
    """
    with pytest.raises(PermissionMissingError, match="application permission"):
        require(inspect(jwt(APP), NOW), ["User.Read.All"])


def test_a_directory_role_is_no_permission() -> None:
    """
    Directory roles of the user are shown, but don't count as permissions of the token.
    """
    with pytest.raises(PermissionMissingError):
        require(words(), ["Global Administrator"])


def test_of_a_token_that_can_not_be_read_nothing_is_known() -> None:
    """
    An opaque token neither has nor lacks a permission: the error says so.
    """
    with pytest.raises(
        PermissionMissingError, match=r"Can't check whether the token has User\.Read\. It is opaque"
    ) as caught:
        require(inspect("opaque", NOW), ["User.Read"])

    assert ("User.Read",) == caught.value.missing


def test_all_permissions_are_kept() -> None:
    """
    All of hundreds of roles are listed, each once.
    """
    names = [f"Role.{number:04}" for number in range(900)]

    assert names == [one.name for one in inspect(jwt(APP | {"roles": names + names}), NOW).permissions]


def test_unknown_names_are_shown_as_they_are() -> None:
    """
    A permission without a description is shown by its name, without control characters (checklist 48).
    """
    found = words(scp="Odd.\x1b[31mName", wids=[OBJECT], amr=["new\u202e"], upn="ada\x07", app_displayname=["A"])

    assert [("Odd.[31mName", ""), (OBJECT, "")] == [(one.name, one.words) for one in found.permissions]
    assert (("new",), "ada", "A") == (found.methods, found.account, found.app_name)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*PERSON, *APP, "preferred_username", "azp", "email"]), ANYTHING), ANYTHING)
def test_arbitrary_claims_never_crash(claims: dict[str, object], header: object) -> None:
    """
    Any claim may have any type: the inspection is printable, and `require` returns or raises PermissionMissingError.
    """
    found = inspect(jwt(claims, header), NOW)
    shown = [*found[:7], *found.methods, *found.warnings, *(text for one in found.permissions for text in one)]

    assert [] == [text for text in shown if not str(text).isprintable()]
    with pytest.raises(PermissionMissingError):
        require(found, ["Unheard.Of"])


@settings(deadline=None)
@given(st.text(), st.floats(allow_nan=False, min_value=0, max_value=1e12))
def test_arbitrary_text_never_crashes(text: str, now: float) -> None:
    """
    Any string is inspected: it is decoded, or a warning gives the reason.
    """
    found = inspect(text, now)

    assert found.claims or found.warnings


def test_permissions_of_another_api_are_not_those_of_graph() -> None:
    """
    An API can have permissions whose names are those of Microsoft Graph. They get no description of Graph, and no
    broader permission of Graph covers them.
    """
    found = words(aud="api://orders", scp="User.ReadWrite.All openid")

    assert {"User.ReadWrite.All": "", "openid": "sign the user in"}.items() <= {
        one.name: one.words for one in found.permissions
    }.items()
    with pytest.raises(PermissionMissingError) as caught:
        require(found, ["User.Read.All"])
    assert "also covers" not in caught.value.remedy
    with pytest.raises(PermissionMissingError, match="lacks") as caught:
        require(words(scp="User.ReadWrite.All"), ["User.Read.All"])
    assert "also covers" in caught.value.remedy
