"""The parameter sets of connect(): exactly one matches, or the clash is named."""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, get_overloads

import pytest

from entrakit import connect
from entrakit.errors import ParameterError, ParameterSetError
from entrakit.sign_in import parameter_types
from entrakit.sign_in.flows import find
from entrakit.sign_in.parameter_table import BY_NAME, PARAMETERS, SETS
from entrakit.sign_in.parameters import CERTIFICATE_SOURCES, choose_set, flow_of, refuse_tenant
from entrakit.sources import CertificateFile, certificate_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.sign_in.parameter_table import ParameterSet


# Parameters that the credential of an app can be added to.
OF_USERS = {name for one in SETS if one.apps for name in one.chosen_by}


def test_nothing_given_means_the_browser() -> None:
    """
    The browser is the default, as in the original.
    """
    assert "Browser" == choose_set({"device_code": False, "client_secret": None, "port": 0, "prompt": ""}).name


@pytest.mark.parametrize(("chosen_by", "name"), [(parameter, one.name) for one in SETS for parameter in one.chosen_by])
def test_each_set_is_chosen_by_its_parameter(chosen_by: str, name: str) -> None:
    """
    One parameter is enough to choose a set.
    """
    assert name == choose_set({chosen_by: "given"}).name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (first, second)
        for left, right in itertools.combinations(SETS, 2)
        for first, second in itertools.product(left.chosen_by, right.chosen_by)
        # A key in a vault signs for the certificate of a file. A credential of the app goes with a token of a user.
        if {first, second} != {"certificate_path", "key_vault_key"}
        and left.name not in right.apps
        and right.name not in left.apps
    ],
)
def test_two_sets_clash(one: str, other: str) -> None:
    """
    Two ways to sign in are never mixed, a secret with a browser least of all (checklist 13); the error names both and
    the sets that accept them.
    """
    with pytest.raises(ParameterSetError) as caught:
        choose_set({one: "given", other: "given"})

    assert {one, other} == set(caught.value.clashing)
    assert 2 == len(caught.value.accepted_by)


@pytest.mark.parametrize("token", ["refresh_token", "on_behalf_of"])
def test_a_token_of_a_user_goes_with_one_credential_of_the_app(token: str) -> None:
    """
    The app's secret or certificate is given in addition, by the rules that it has alone; other parameters clash.
    """
    assert "OnBehalfOf" == choose_set({"on_behalf_of": "t", "like": "api"}).name
    for more in (
        {"client_secret": "x"},
        {"certificate_path": "x", "certificate_password": "y"},
        {"key_vault_key": "k"},
    ):
        assert token == BY_NAME[choose_set({token: "t", **more}).chosen_by[0]].name
    for more in (
        {"client_secret": "x", "certificate_path": "y"},
        {"certificate_password": "x"},
        {"certificate_path": "x", "certificate_name": "y"},
        {"login_hint": "ada"},
    ):
        with pytest.raises(ParameterSetError) as caught:
            choose_set({token: "t", **more})
        assert set(more) & set(caught.value.clashing)


# Next to a file, a thumbprint chooses in it.
CLASHING = set(itertools.combinations(CERTIFICATE_SOURCES, 2)) - {("certificate_path", "certificate_thumbprint")}


@pytest.mark.parametrize(("one", "other"), sorted(CLASHING))
def test_two_certificates_clash(one: str, other: str) -> None:
    """
    A certificate has one source; the original silently takes the first.
    """
    with pytest.raises(ParameterSetError) as caught:
        choose_set({one: "given", other: "given"})

    assert {one, other} == set(caught.value.clashing)


@pytest.mark.parametrize(
    ("given", "clashing"),
    [
        ({"certificate_password": "x"}, {"certificate_password"}),
        (
            {"certificate_password": "x", "certificate_thumbprint": "y"},
            {"certificate_password", "certificate_thumbprint"},
        ),
        ({"send_certificate_chain": True}, {"send_certificate_chain"}),
        ({"client_secret": "x", "login_hint": "ada"}, {"login_hint"}),
        ({"device_code": True, "port": 8400}, {"port"}),
        ({"device_code": True, "certificate_password": "x"}, {"certificate_password"}),
        ({"on_device_code": print}, {"on_device_code"}),
        ({"browser": True, "on_device_code": print}, {"on_device_code"}),
    ],
)
def test_an_option_of_another_set_clashes(given: dict[str, object], clashing: set[str]) -> None:
    """
    Half a set, or an option that belongs elsewhere, is refused by name, with the set that accepts it.
    """
    with pytest.raises(ParameterSetError) as caught:
        choose_set(given)

    assert clashing == set(caught.value.clashing)
    assert () != caught.value.accepted_by
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("flow", "tenant", "refused"),
    [
        ("secret", "organizations", True),
        ("certificate", "common", True),
        ("secret", "contoso.com", False),
        ("password", "organizations", False),
        ("password", "common", True),
        ("password", "consumers", True),
        ("browser", "common", False),
        ("devicecode", "consumers", False),
    ],
)
def test_tenants_that_stand_for_many_are_for_people(flow: str, tenant: str, refused: bool) -> None:
    """
    Apps and passwords need one tenant (AADSTS50059, 9001023); the error comes before any request.
    """
    try:
        refuse_tenant(find(flow), tenant)
    except ParameterError:
        assert refused
    else:
        assert not refused


def test_the_table_has_each_parameter_of_connect() -> None:
    """
    The table names the parameters of `connect()`, each once, with a meaning; exactly the switches have no value.
    """
    signature = {name: one for name, one in inspect.signature(connect).parameters.items() if name != "how"}

    assert len(PARAMETERS) == len(BY_NAME)
    assert set(BY_NAME) == set(signature)
    assert [] == [one.name for one in PARAMETERS if not one.help]
    switches = {name for name, one in signature.items() if one.default is False}
    assert switches == {one.name for one in PARAMETERS if not one.value and one.option is not None} - {
        *("open_browser", "on_link", "paste")
    }


@pytest.mark.parametrize(("one", "chosen_by"), [(one, name) for one in SETS for name in one.chosen_by])
def test_an_overload_accepts_what_the_table_accepts(one: ParameterSet, chosen_by: str) -> None:
    """
    For each parameter that selects a set, an overload of `connect()` has it and the set's other parameters that go with
    it, and none of another set.
    """
    in_sets = {name for other in SETS for name in other.chosen_by + other.options}
    accepted = {name for name in one.options if not BY_NAME[name].goes_with or chosen_by in BY_NAME[name].goes_with}
    accepted |= {name for app in SETS if app.name in one.apps for name in app.chosen_by + app.options}
    names = [parameters_of(overload) & in_sets for overload in get_overloads(connect)]

    (found,) = [some for some in names if chosen_by in some and accepted <= some and (one.apps or not some & OF_USERS)]

    assert found <= {*one.chosen_by, *one.options, *accepted, *({"certificate_path"} if one.name == "KeyVault" else ())}


def parameters_of(overload: Callable[..., object]) -> set[str]:
    """Return the names of the parameters of an overload, with those of its TypedDict."""
    signature = inspect.signature(overload).parameters
    names = set(signature) - {"more"}
    kind = str(signature["more"].annotation).removeprefix("Unpack[types.").removesuffix("]")
    return names | set(getattr(parameter_types, kind).__annotations__)


def test_each_set_is_in_the_table_for_powershell() -> None:
    """
    The page for users of PowerShell names each parameter set, in a row with a parameter that selects it.
    """
    page = (Path(__file__).parents[2] / "docs" / "guides" / "coming-from-powershell.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| -")]

    for one in SETS:
        found = [row for row in rows if one.name in row[4].split(", ")]
        assert any(f"`{name}=" in row[2] for row in found for name in one.chosen_by), one.name


def test_each_set_is_made_of_the_table() -> None:
    """
    A parameter that selects a set, or goes with some, names sets and parameters that exist.
    """
    names = {one.name for one in SETS}

    for one in PARAMETERS:
        assert {one.selects, *one.sets} - {""} <= names
        assert set(one.goes_with) <= set(BY_NAME)
    assert set(CERTIFICATE_SOURCES) == {one.name for one in PARAMETERS if one.selects == "AppCertificate"}


def test_a_clash_names_parameters_as_code() -> None:
    """
    The names in problem and remedy are code spans, so that the command can replace them.
    """
    with pytest.raises(ParameterSetError) as caught:
        choose_set({"client_secret": "x", "device_code": True})
    with pytest.raises(ParameterSetError) as alone:
        choose_set({"certificate_password": "x"})

    assert "`client_secret` and `device_code` select different ways to sign in." == caught.value.problem
    assert "`certificate_password` can't be used alone, only with `certificate`, " in alone.value.problem
    assert ("certificate", "certificate_path") == alone.value.parameters[:2]


def test_a_thumbprint_chooses_in_a_file() -> None:
    """
    Next to a file, the thumbprint is not a second source: it chooses a certificate of the file, for a saved connection,
    too. With a program that signs, and with a store, it is one.
    """
    chooses: dict[str, object] = {"certificate_path": "/both.pfx", "certificate_thumbprint": "ab" * 20}

    flow = flow_of({**dict.fromkeys(BY_NAME), **chooses, "tenant_id": "contoso.com"})

    source = certificate_source(dict(flow.origin))
    assert CertificateFile("/both.pfx", None, "ab" * 20) == source
    others: dict[str, object] = {"certificate_command": ["sign"], "certificate_store": "user", "key_vault_key": "k"}
    for name, value in others.items():
        with pytest.raises(ParameterSetError):
            choose_set(chooses | {name: value})
