"""Command line, variable, profile, defaults, built in: the first that gives a value wins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cli.conftest import Command

CERTIFICATE = {"certificate-path": "/a.pem", "certificate-password-file": "/p", "send-certificate-chain": True}


class Case(NamedTuple):
    """A command line with a profile and variables.

    Args:
        rule: The rule that it shows.
        profile: Values of the profile.
        environ: Variables.
        words: Options on the command line.
        expected: Values and where they come from.
        missing: Options without a value.
    """

    rule: str
    profile: Mapping[str, object]
    environ: Mapping[str, str]
    words: tuple[str, ...]
    expected: Mapping[str, tuple[object, str]]
    missing: tuple[str, ...] = ()


CASES = (
    Case("nothing is set", {}, {}, (), {"cloud": ("global", "built in"), "name": ("default", "built in")}),
    Case("a profile beats what is built in", {"name": "p"}, {}, (), {"name": ("p", "profile")}),
    Case(
        "a variable beats a profile", {"client-id": "p", "tenant-id": "p"}, {"AZURE_CLIENT_ID": "v"}, (),
        {"client-id": ("v", "variable"), "tenant-id": ("p", "profile")},
    ),
    Case(
        "an option beats a variable", {"client-id": "p"}, {"AZURE_CLIENT_ID": "v"}, ("--client-id", "o"),
        {"client-id": ("o", "option")},
    ),
    Case("an option that repeats the default is given", {"name": "p"}, {}, ("--name", "default"),
         {"name": ("default", "option")}),
    Case("a list is replaced, not extended", {"scope": ["A", "B"]}, {}, ("--scope", "C"), {"scope": (["C"], "option")}),
    Case("another way to sign in replaces all of the profile's", CERTIFICATE, {}, ("--device-code",),
         {"device-code": (True, "option")}, tuple(CERTIFICATE)),
    Case(
        "the same way keeps the rest of the profile", CERTIFICATE, {}, ("--certificate-path", "/b.pem"),
        {"certificate-path": ("/b.pem", "option"), "certificate-password-file": ("/p", "profile")},
    ),
    Case("the browser keeps its options", {"port": 8400}, {}, ("--browser",), {"port": (8400, "profile")}),
    Case(
        "a way to sign in of the environment replaces the profile's", CERTIFICATE, {"AZURE_CLIENT_SECRET": "canary"},
        (), {"client-secret": ("***", "variable")}, tuple(CERTIFICATE),
    ),
    Case("an empty secret of a pipeline, too", CERTIFICATE, {"AZURE_CLIENT_SECRET": ""}, (), {}, tuple(CERTIFICATE)),
    Case(
        "a way to sign in of the command line ignores the environment", {}, {"AZURE_CLIENT_SECRET": "x"},
        ("--device-code",), {"device-code": (True, "option")}, ("client-secret",),
    ),
    Case(
        "of two ways in the environment, the first is used", {},
        {"AZURE_CLIENT_SECRET": "x", "AZURE_CLIENT_CERTIFICATE_PATH": "/v.pem"}, (),
        {"client-secret": ("***", "variable")}, ("certificate-path",),
    ),
    Case(
        "an option for a secret replaces the profile's place of it", {"client-secret-file": "/s"}, {},
        ("--client-secret-stdin",), {"client-secret-stdin": (True, "option")}, ("client-secret-file",),
    ),
    Case(
        "a variable for a password replaces the profile's place of it", {"username": "ada", "password-file": "/p"},
        {"AZURE_PASSWORD": "canary"}, (), {"username": ("ada", "profile")}, ("password-file",),
    ),
    Case(
        "a variable names another user of the same way", {"username": "ada"}, {"AZURE_USERNAME": "eva"}, (),
        {"username": ("eva", "profile")},
    ),
    Case(
        "the addresses of a cloud belong together", {"graph-url": "https://p", "authority-url": "https://p"}, {},
        ("--cloud", "usgov"), {"cloud": ("usgov", "option")}, ("graph-url", "authority-url"),
    ),
    Case(
        "also those of a variable", {"cloud": "usgov", "graph-url": "https://p"},
        {"AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us"}, (),
        {"authority-url": ("https://login.microsoftonline.us", "variable")}, ("graph-url",),
    ),
    Case(
        "the address of Graph alone can be replaced", {"cloud": "usgov", "graph-url": "https://p"},
        {"ENTRAKIT_GRAPH_URL": "https://v"}, (),
        {"cloud": ("usgov", "profile"), "graph-url": ("https://v", "variable")},
    ),
    Case(
        "a password of a proxy is not shown", {"proxy": "http://p"}, {"HTTPS_PROXY": "http://ada:canary@v:1"}, (),
        {"proxy": ("***@v:1", "variable")},
    ),
    Case(
        "an empty variable is not a proxy", {"proxy": "http://p"}, {"HTTPS_PROXY": ""}, (),
        {"proxy": ("http://p", "profile")},
    ),
    Case(
        "a user whom a variable names", {"login-hint": "p"}, {"AZURE_USERNAME": "ada"}, (),
        {"login-hint": ("ada", "variable")}, ("username",),
    ),
)  # fmt: skip


def write(home: Path, profile: Mapping[str, object], defaults: str = "") -> None:
    """Write the usual configuration file with one profile, `p`."""
    folder = home / ".config" / "entrakit"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    folder.parent.chmod(0o700)
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in profile.items())
    (folder / "config.toml").write_text(f"[defaults]\n{defaults}\n[profiles.p]\n{lines}")
    (folder / "config.toml").chmod(0o600)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_the_first_that_gives_a_value_wins(entra: Command, private_home: Path, case: Case) -> None:
    """
    Each value of `entra config` has the origin that the order gives it, and secrets are not shown.
    """
    write(private_home, case.profile)
    entra.environ |= case.environ

    result = entra("config", "--profile", "p", *case.words, "--json")
    shown = {one["option"]: (one["value"], one["from"]) for one in json.loads(result.output)}

    assert 0 == result.code, result.error
    assert case.expected == {name: shown.get(name) for name in case.expected}
    assert set() == shown.keys() & set(case.missing)
    assert "canary" not in result.output


def test_defaults_come_after_the_profile(entra: Command, private_home: Path) -> None:
    """
    The default cloud holds without a profile, and for a profile that names no address; then it is replaced.
    """
    found = []
    for profile in ({}, {"cloud": "china"}, {"authority-url": "https://p"}):
        write(private_home, profile, defaults='cloud = "usgov"')
        values = json.loads(entra("config", "--profile", "p", "--json").output)
        found.append(next((one["value"], one["from"], one["place"]) for one in values if one["option"] == "cloud"))

    assert [("usgov", "defaults", ""), ("china", "profile", "p"), ("global", "built in", "")] == found


def test_the_default_cloud_is_not_for_a_connection_like_another(connected: Command, private_home: Path) -> None:
    """
    A connection like another one is in the cloud of that one, so the default cloud does not contradict it.
    """
    write(private_home, {}, defaults='cloud = "usgov"')

    result = connected("connect", "--like", "default", "--name", "new")

    assert 0 == result.code, result.error


def test_a_profile_signs_in(entra: Command, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `entra connect --profile` needs no other options; the variable selects the profile, too, which is reported. The
    command line then replaces a value.
    """
    monkeypatch.setenv("THE_SECRET", entra.tenant.client_secret)
    entra.environ["THE_SECRET"] = entra.tenant.client_secret
    profile = {
        "client-id": entra.tenant.confidential_client, "tenant-id": entra.tenant.tenant_id, "name": "job",
        "authority-url": entra.tenant.url, "ca-bundle": entra.tenant.ca_path, "client-secret-env": "THE_SECRET",
    }  # fmt: skip
    write(private_home, profile)

    first = entra("connect", "--profile", "p")
    entra.environ["ENTRAKIT_PROFILE"] = "p"
    second = entra("connect", "--name", "other")

    assert (0, 0) == (first.code, second.code), first.error + second.error
    assert "Saved as 'job'" in first.error
    assert "ENTRAKIT_PROFILE" not in first.error
    assert "Note: ENTRAKIT_PROFILE selects the profile 'p'." in second.error
    assert "Saved as 'other'" in second.error


def test_an_unknown_key_ends_the_command(entra: Command, private_home: Path) -> None:
    """
    A mistyped key is exit code 2, before anything is read or sent.
    """
    write(private_home, {"client_id": "x"})

    result = entra("connect", "--profile", "p")

    path = private_home / ".config" / "entrakit" / "config.toml"
    assert 2 == result.code
    assert f"Error: {path}, profile 'p': unknown key 'client_id'.\n  Next: Did you mean client-id?\n" == result.error


@pytest.mark.parametrize(
    ("words", "is_table"),
    [
        ((), True),
        (("--output", "json"), False),
        (("--json",), False),
        (("--out-file", "-"), True),
    ],
)
def test_the_default_output_format(
    connected: Command, private_home: Path, words: tuple[str, ...], *, is_table: bool
) -> None:
    """
    Commands that print objects use the default format, unless an option selects one.
    """
    write(private_home, {}, defaults='output = "tsv"')

    result = connected("status", *words)

    assert 0 == result.code, result.error
    assert is_table == result.output.startswith("name\tcurrent")


def test_files_have_the_format_of_their_name(connected: Command, private_home: Path, tmp_path: Path) -> None:
    """
    The ending of a file selects its format before the default does; a default table is for the terminal only.
    """
    write(private_home, {}, defaults='output = "table"')

    named = connected("status", "--out-file", str(tmp_path / "a.csv"))
    other = connected("status", "--out-file", str(tmp_path / "b"))

    assert (0, 0) == (named.code, other.code), named.error + other.error
    assert (tmp_path / "a.csv").read_text().startswith('"name","current"')
    assert "default" == json.loads((tmp_path / "b").read_text())[0]["name"]


def test_the_default_format_does_not_print_what_a_command_does_not(connected: Command, private_home: Path) -> None:
    """
    `entra connect` and `entra token` are not changed: the first prints no object, the second a token.
    """
    write(private_home, {}, defaults='output = "json"')

    done = connected.connect("--name", "again", app=True)
    token = connected("token")

    assert (0, "") == (done.code, done.output)
    assert token.output.startswith("eyJ")
