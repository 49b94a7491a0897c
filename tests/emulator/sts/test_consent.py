"""Consent of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.emulator.sts.conftest import answer_of, send, signed_in

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

ADMIN_SCOPE = "User.Read Directory.ReadWrite.All"


def test_permissions_are_asked_for_once(caller: Caller) -> None:
    """
    Granted permissions are not requested again; new ones are.
    """
    cora = caller.tenant.person(caller.tenant.users.consent)
    caller.answer(cora)
    seen = len(cora.pages)
    caller.answer(cora)
    caller.answer(cora, scope="User.Read Mail.Read")

    titles = [page.title for page in cora.pages[seen:] if page.title]
    assert ["Permissions requested"] == titles


def test_an_app_that_asks_for_nothing_is_asked_about_once(caller: Caller) -> None:
    """
    Sign-in alone requires consent as well, the first time.
    """
    cora = caller.tenant.person(caller.tenant.users.consent)
    caller.answer(cora, scope="openid")
    seen = len(cora.pages)
    caller.answer(cora, scope="openid")

    assert 1 == len(cora.pages) - seen


def test_default_asks_for_what_is_registered(caller: Caller) -> None:
    """
    `.default` requests the registered permissions of the app.
    """
    page = signed_in(caller, "consent", scope="https://graph.microsoft.com/.default")

    assert "Read your profile" in page.text
    assert "Keep the access" not in page.text


def test_declining_is_told_to_the_app(caller: Caller) -> None:
    """
    The app gets `access_denied`, AADSTS65004 (service facts, 1.3).
    """
    answer = answer_of(send(caller, signed_in(caller, "consent"), action="decline"))

    assert "access_denied" == answer["error"]
    assert answer["error_description"].startswith("AADSTS65004: User declined to consent")


def test_what_only_an_administrator_may_grant(caller: Caller) -> None:
    """
    The page offers only the way back, and a forged acceptance is refused (AADSTS90094).
    """
    page = signed_in(caller, scope=ADMIN_SCOPE)
    forged = send(caller, page, action="accept")

    assert "An administrator has to approve" == read(page.text).heading
    assert "Change the directory" in page.text
    assert "administrator" in read(forged.text).message
    assert "access_denied" == answer_of(send(caller, page, action="decline"))["error"]


def test_prompt_consent_asks_again(caller: Caller) -> None:
    """
    `prompt=consent` shows the permissions that were granted before.
    """
    page = signed_in(caller, prompt="consent")

    assert "Permissions requested" == read(page.text).heading
    assert "Read all profiles" in page.text
    assert "code" in answer_of(send(caller, page, action="accept"))
