"""Errors: one tree, whose messages and data a program and a user can act on."""

from __future__ import annotations

import inspect

import pytest

from entrakit import errors
from entrakit.errors import (
    EntraError,
    ForbiddenError,
    InteractionRequiredError,
    NetworkError,
    ParameterSetError,
    ThrottledError,
    VaultBusyError,
)

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, EntraError)]


@pytest.mark.parametrize("kind", TREE)
def test_each_error_stands_in_the_tree(kind: type[EntraError]) -> None:
    """
    The tree in the docstring names every class with its exit code.
    """
    lines = [line.split() for line in (errors.__doc__ or "").splitlines() if kind.__name__ in line.split()]

    assert 1 == len(lines)
    assert kind is EntraError or str(kind.exit_code) == lines[0][-1]


@pytest.mark.parametrize("kind", TREE)
def test_each_error_has_problem_and_remedy(kind: type[EntraError]) -> None:
    """
    Every class takes a problem and a remedy, and shows both; it is about no connection until told.
    """
    error = kind("It failed.", remedy="Try again.")

    assert ["It failed.", "  Next: Try again."] == str(error).split("\n")[:2]
    assert error.settings is None
    assert "It failed." == str(kind("It failed.")).split("\n")[0]


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("", ()),
        ("Try again.", ()),
        ("Add `save_secret=True`.", ("save_secret",)),
        ("Give the file with `certificate_path`.", ("certificate_path",)),
        ("Give the password: `certificate_password=…`.", ("certificate_password",)),
        ("Remove it with `disconnect('work')`, then `connect()`.", ("disconnect", "connect")),
        ("`cloud` or `tenant_id`, then `cloud`", ("cloud", "tenant_id")),
        ("See `https://contoso.com`, `vault.json`, `pip install x`, `{}` or `[1]`.", ()),
    ],
)
def test_a_remedy_names_parameters_as_data(remedy: str, expected: tuple[str, ...]) -> None:
    """
    `parameters` has the names of the parameters and calls in the remedy, in order and once; other spans are left out.
    """
    assert expected == EntraError("It failed.", remedy=remedy).parameters


def test_an_error_knows_its_connection() -> None:
    """
    `about` notes the settings of the connection, and returns the error, ready to be raised.
    """
    settings = object()
    error = EntraError("It failed.")

    assert error is error.about(settings)
    assert settings is error.settings


def test_fields_of_each_kind() -> None:
    """
    Attributes hold the data that a program decides on; the message holds the ids that support needs.
    """
    clash = ParameterSetError("They clash.", clashing=["a", "b"], accepted_by=["Browser"])
    slow = ThrottledError("Slow down.", retry_after_s=7.0, correlation_id="c-1")
    network = NetworkError("No response.", request_id="r-1", correlation_id="c-2")
    refused = ForbiddenError("No.", has=["A"], needs=["B"], status=403, code="Denied", request_id="r-2")
    needs_user = InteractionRequiredError("Sign in.", error="invalid_grant", code=50076)

    assert (("a", "b"), ("Browser",), 2) == (clash.clashing, clash.accepted_by, clash.exit_code)
    assert (7.0, True, "temporarily_unavailable") == (slow.retry_after_s, slow.retryable, slow.error)
    assert [("Request id", "r-1"), ("Correlation id", "c-2")] == network.ids()
    assert [("Error", "Denied HTTP 403"), ("Request id", "r-2")] == refused.ids()
    assert (("A",), ("B",)) == (refused.has, refused.needs)
    assert [("Error", "invalid_grant AADSTS50076")] == needs_user.ids()
    assert VaultBusyError("Locked.").retryable
