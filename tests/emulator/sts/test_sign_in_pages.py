"""Sign-in pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import answer_of, at_password, send, signed_in

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "This tenant has no account with that name"),
        ("nobody@contoso.example", "This tenant has no account with that name"),
        ("ann@federated.example", "This tenant has no account with that name"),
        ("fay@fabrikam.example", "belongs to another tenant"),
    ],
)
def test_unknown_names_are_told(caller: Caller, name: str, words: str) -> None:
    """
    An unknown name shows the page again, with a message for screen readers (role=alert) and the name in the field.
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    caller.tenant.seed.add_user("fay@fabrikam.example", "Password-1", tenant_id=other.tenant_id)

    page = send(caller, caller.http.get(caller.authorize_url()), loginfmt=name)

    assert "Sign in" == read(page.text).heading
    assert words in read(page.text).message
    assert f'value="{name}"' in page.text


def test_permissions_are_asked_for_in_words(caller: Caller) -> None:
    """
    A user without any consent sees the requested permissions with their descriptions.
    """
    page = signed_in(caller, "consent", scope="User.Read Mail.Read openid offline_access")

    assert "Permissions requested" == read(page.text).heading
    for words in ("Contoso Desk", "Read your profile", "Read your mail", "Sign you in", "Keep the access"):
        assert words in page.text
    assert "code" in answer_of(send(caller, page, action="accept"))


def test_what_people_type_is_escaped(caller: Caller) -> None:
    """
    Typed strings never become HTML.
    """
    page = send(caller, caller.http.get(caller.authorize_url()), loginfmt='"><script>alert(1)</script>')

    assert "<script>" not in page.text


def test_the_page_of_a_blocked_user_shows_the_ids(caller: Caller) -> None:
    """
    A page that sends a user to an administrator has the number and the ids that the administrator searches for. A
    mistake of typing needs none.
    """
    blocked = caller.tenant.users.blocked

    page = send(caller, at_password(caller, "blocked"), passwd=blocked.password)
    typed = send(caller, at_password(caller, "normal"), passwd="wrong")

    assert "Give the ids below to an administrator." in read(page.text).message
    for name, value in (
        ("Number", "AADSTS53003"), ("Correlation id", "[0-9a-f-]{36}"), ("Trace id", "[0-9a-f-]{36}"),
        ("Time", "[0-9-]{10} [0-9:]{8}Z"),
    ):  # fmt: skip
        assert re.search(f"<dt>{name}</dt><dd>{value}</dd>", page.text)
    assert "Correlation id" not in typed.text
