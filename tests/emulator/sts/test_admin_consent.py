"""Admin consent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.emulator.conftest import NATIVE
from tests.emulator.sts.conftest import send

from entrakit_emulator.contoso import FOREIGN_CLIENT
from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

    from entrakit_emulator.useragent import Page

GRAPH = "https://graph.microsoft.com"
OLD = ""
MAIL = f"{GRAPH}/Mail.Read"
ALL = f"{GRAPH}/Directory.ReadWrite.All"


def url_of(caller: Caller, *, version: str = "/v2.0", at: str = "", **changes: str) -> str:
    """Return the URL of a request; a parameter changed to "" is left out."""
    given = {
        "client_id": caller.tenant.public_client, "redirect_uri": NATIVE, "state": "a-state",
        "scope": f"{MAIL} {ALL}" if version else "",
    } | changes  # fmt: skip
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{caller.tenant.url}/{at or caller.tenant.tenant_id}{version}/adminconsent?{query}"


def answer_of(page: Page) -> dict[str, str]:
    """Return the parameters at the redirect URI."""
    assert page.url.startswith(NATIVE), page.text
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def refused(response: httpx2.Response) -> str:
    """Return the text of the page for a request that is not trusted."""
    assert response.status_code == 400, response.text
    return response.text


def test_an_administrator_consents_for_everybody(caller: Caller) -> None:
    """
    The app gets the tenant and the scope; afterwards any user gets a token without another page, also for
    permissions that a user can't grant.
    """
    before = caller.password("consent", scope="Mail.Read")

    answer = answer_of(caller.tenant.person(caller.tenant.users.mfa).visit(url_of(caller)))

    assert [65001] == before.json()["error_codes"]
    assert {
        "admin_consent": "True", "tenant": caller.tenant.tenant_id, "scope": f"{MAIL} {ALL}", "state": "a-state",
    } == answer  # fmt: skip
    for permission in ("Mail.Read", "Directory.ReadWrite.All"):
        token = caller.password("consent", scope=permission).json()["access_token"]
        assert "Directory.ReadWrite.All Mail.Read" == caller.claims(token)["scp"]


def test_the_page_lists_the_permissions(caller: Caller) -> None:
    """
    The administrator sees what the app requests, and that it is for the organization.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)
    person.visit(url_of(caller))

    page = next(page for page in person.pages if page.title == "Permissions requested")
    for words in ("Review for your organization", "Contoso Desk", "Read your mail", "Change the directory"):
        assert words in page.text


def test_the_registration_decides_at_the_older_endpoint(caller: Caller) -> None:
    """
    Without a scope, everything that the registration requires is granted, app roles included.
    """
    app = caller.tenant.confidential_client
    caller.tenant.seed.require_permissions(app, GRAPH, ["Mail.Read"], roles=["User.ReadWrite.All"])
    caller.tenant.seed.require_permissions(app, caller.tenant.api_uri, ["Orders.Write"])
    caller.tenant.seed.add_redirect(app, NATIVE, platform="web")
    person = caller.tenant.person(caller.tenant.users.mfa)

    answer = answer_of(person.visit(url_of(caller, version=OLD, client_id=app)))

    assert {"admin_consent": "True", "tenant": caller.tenant.tenant_id, "state": "a-state"} == answer
    assert "User.ReadWrite.All" in caller.claims(caller.app_token().json()["access_token"])["roles"]
    secret = {"client_id": app, "client_secret": caller.tenant.client_secret}
    token = caller.password("consent", scope=f"{caller.tenant.api_uri}/Orders.Write", **secret).json()["access_token"]
    assert "Orders.Write" == caller.claims(token)["scp"]


def test_an_app_of_another_tenant_is_installed(caller: Caller) -> None:
    """
    The app has no service principal before (AADSTS7000229), and one afterwards.
    """
    caller.tenant.seed.add_redirect(FOREIGN_CLIENT, NATIVE, platform="web")
    before = caller.app_token(client_id=FOREIGN_CLIENT)

    person = caller.tenant.person(caller.tenant.users.mfa)
    answer_of(person.visit(url_of(caller, version=OLD, client_id=FOREIGN_CLIENT)))

    assert [7000229] == before.json()["error_codes"]
    assert 200 == caller.app_token(client_id=FOREIGN_CLIENT).status_code


def test_the_tenant_may_be_left_to_the_administrator(caller: Caller) -> None:
    """
    At `organizations`, the tenant is the administrator's. Without a state, the answer has none.
    """
    url = url_of(caller, at="organizations", state="")

    answer = answer_of(caller.tenant.person(caller.tenant.users.mfa).visit(url))

    assert caller.tenant.tenant_id == answer["tenant"]
    assert "state" not in answer


@pytest.mark.parametrize(("version", "error"), [("/v2.0", "consent_required"), (OLD, "permission_denied")])
@pytest.mark.parametrize("cancels", [True, False])
def test_a_refusal_is_told_to_the_app(caller: Caller, version: str, error: str, *, cancels: bool) -> None:
    """
    The answer has the error, and nothing is granted.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)
    person.accepts, person.cancels = False, cancels

    answer = answer_of(person.visit(url_of(caller, version=version)))

    assert ("True", error, "a-state") == (answer["admin_consent"], answer["error"], answer["state"])
    assert answer["error_description"].startswith("AADSTS65004: ")
    assert [65001] == caller.password("consent", scope="Mail.Read").json()["error_codes"]


def test_other_users_can_not_consent(caller: Caller) -> None:
    """
    A user who is not an administrator can only return to the app; a forged form is refused (AADSTS90093).
    """
    user = caller.tenant.users.normal
    page = caller.http.get(url_of(caller))
    page = send(caller, send(caller, page, loginfmt=user.upn), passwd=user.password)
    forged = send(caller, page, action="accept")
    person = caller.tenant.person(user)

    answer = answer_of(person.visit(url_of(caller)))

    assert "An administrator has to approve" == read(page.text).heading
    assert "can only be performed by an administrator" in read(forged.text).message
    assert "consent_required" == answer["error"]


def test_an_administrator_is_an_ordinary_user_elsewhere(caller: Caller) -> None:
    """
    At the authorize endpoint, an administrator grants permissions that others can't grant, but only for themselves.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)

    assert "code" in caller.answer(person, scope="Directory.ReadWrite.All")
    assert [65001] == caller.password(scope="Directory.ReadWrite.All").json()["error_codes"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": ""}, 900144),
        ({"client_id": "99999999-9999-4999-8999-999999999999"}, 700016),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"redirect_uri": ""}, 900144),
        ({"scope": ""}, 900144),
        ({"scope": "User.Fly"}, 650053),
        ({"at": "99999999-9999-4999-8999-999999999999"}, 90002),
    ],
)
def test_requests_that_are_not_trusted_get_a_page(caller: Caller, changes: dict[str, str], code: int) -> None:
    """
    The error is never sent to an address from the request.
    """
    assert f"AADSTS{code}" in refused(caller.http.get(url_of(caller, **changes)))


def test_an_app_without_a_redirect_can_not_ask(caller: Caller) -> None:
    """
    The answer needs an address (AADSTS500113).
    """
    url = url_of(caller, version=OLD, client_id=FOREIGN_CLIENT, redirect_uri="")

    assert "AADSTS500113" in refused(caller.http.get(url))


def test_the_first_redirect_is_the_default_at_the_older_endpoint(caller: Caller) -> None:
    """
    Addresses that messages print name the app only.
    """
    app = caller.tenant.seed.add_app("Fresh", redirect_uris=[NATIVE, "http://localhost"], is_public=True)
    url = url_of(caller, version=OLD, client_id=app.client_id, redirect_uri="")

    assert "True" == answer_of(caller.tenant.person(caller.tenant.users.mfa).visit(url))["admin_consent"]


def test_a_repeated_parameter_is_told_to_the_app(caller: Caller) -> None:
    """
    Once the redirect URI is trusted, errors are sent to the app (AADSTS9002313).
    """
    response = caller.http.get(f"{url_of(caller)}&state=another")

    assert "AADSTS9002313" in response.headers["location"].replace("%3A", ":")


def test_only_links_are_followed(caller: Caller) -> None:
    """
    The endpoints are links, not forms (AADSTS900561).
    """
    assert "AADSTS900561" in caller.http.post(url_of(caller)).text
