"""The configuration file: its place, its permissions, and its content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import Command as Row
from entrakit.cli.command_table import find
from entrakit.cli.configuration import actions_of, file_path, read_configuration
from entrakit.cli.parser import parser_of
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit.cli.parser import Parser


KEY_FROM = "Use --vault-key-from or the variable ENTRAKIT_VAULT_KEY_FROM, which no profile replaces."
VAULT = "Use the variable ENTRAKIT_VAULT, which no profile replaces."


@pytest.fixture
def parser() -> Parser:
    """Return the parser of `entra connect`."""
    row = find("connect")
    assert isinstance(row, Row)
    return parser_of(row)


@pytest.fixture
def file(private_home: Path) -> Path:
    """Return the path of a configuration file that the variable names."""
    private_home.parent.chmod(0o755)
    return private_home / "config.toml"


def profile_of(file: Path, parser: Parser, text: str) -> dict[str, object]:
    """Write the profile `work`, and return its values."""
    file.write_text(f"[profiles.work]\n{text}\n")
    file.chmod(0o644)
    return read_configuration({"ENTRAKIT_CONFIG": str(file)}).profile("work", parser)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.config/entrakit/config.toml"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "/etc/ada"}, "/etc/ada/entrakit/config.toml"),
        ({"HOME": "/home/ada", "XDG_CONFIG_HOME": "relative"}, ""),
        ({"HOME": "/home/ada", "ENTRAKIT_CONFIG": "/x/my.toml"}, "/x/my.toml"),
        ({}, ""),
    ],
)
def test_the_place_of_the_file(environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The variable names it; else it is in the directory of the XDG Base Directory Specification. Without a home
    directory there is none.
    """
    monkeypatch.setattr("sys.platform", "linux")

    assert expected == file_path(environ)


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_place_of_the_file_on_other_systems(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On Windows and macOS the system's directory for configurations is used, as for saved connections.
    """
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("platformdirs.user_config_dir", lambda name, *, appauthor, roaming: f"/{name}/{roaming}")

    assert "/entrakit/False/config.toml" == file_path({"HOME": "/home/ada"})


def test_a_missing_file_is_empty_unless_it_was_named(private_home: Path) -> None:
    """
    The usual file may be missing. One that the variable names must exist, and the variable must not be empty.
    """
    usual = read_configuration({"HOME": str(private_home)})

    assert (False, {}, {}) == (usual.exists, usual.defaults, usual.profiles)
    with pytest.raises(ParameterError, match=r"/none\.toml does not exist"):
        read_configuration({"ENTRAKIT_CONFIG": f"{private_home}/none.toml"})
    with pytest.raises(ParameterError, match="ENTRAKIT_CONFIG is set, but empty"):
        read_configuration({"ENTRAKIT_CONFIG": ""})


def test_a_file_that_others_can_write_is_refused(file: Path) -> None:
    """
    The error names what others can write, and the command that prevents it.
    """
    file.write_text("")
    file.chmod(0o666)

    with pytest.raises(ParameterError, match="other users can write to it") as caught:
        read_configuration({"ENTRAKIT_CONFIG": str(file)})

    assert f"`chmod go-w {file}`" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"x = ", "is not TOML: Invalid value (at end of document)."),
        (b"\xff", "is not TOML: it is not UTF-8."),
        (b"x = " + b"[" * 5000, "is not TOML: "),
        (b"[work]\n", "unknown key 'work'"),
        (b"profiles = 3", "profiles is not a table"),
        (b"[defaults]\nouput = 'json'", "defaults: unknown key 'ouput'"),
        (b"[defaults]\nname = 'x'", "defaults: unknown key 'name'"),
        (b"[defaults]\ncloud = 3", "defaults: cloud is not text"),
        (b"[defaults]\noutput = 'xml'", "defaults: output is invalid: 'xml'"),
    ],
)
def test_a_wrong_file_is_an_error(file: Path, text: bytes, problem: str) -> None:
    """
    Invalid TOML, and unknown keys outside of profiles, are errors that name the file.
    """
    file.write_bytes(text)
    file.chmod(0o600)

    with pytest.raises(ParameterError) as caught:
        read_configuration({"ENTRAKIT_CONFIG": str(file)})

    assert problem in caught.value.problem
    assert str(file) in caught.value.problem
    assert 2 == caught.value.exit_code


def test_every_option_of_connect_is_a_key(parser: Parser) -> None:
    """
    The keys are the options of `entra connect` without dashes, but not those that every command has: there is no
    second list.
    """
    general = {"help", "json", "quiet", "verbose", "debug", "vault-key-from", "no-color"}

    assert set(actions_of(parser)) == {one.removeprefix("--") for one in parser.options()} - general - {
        "out",
        "profile",
    }


def test_values_are_those_of_the_command_line(file: Path, parser: Parser) -> None:
    """
    Text, numbers, switches and lists become what the command line would give; a switch that is off is not given.
    """
    text = """
    client-id = "Graph"
    scope = ["User.Read", "Mail.Read"]
    port = 8400
    timeout = 90
    ensure = true
    no-browser = false
    key-vault-secret = "one"
    certificate-command = "sign --key 7"
    client-secret = true
    """

    assert {
        "client_id": "Graph", "scope": ["User.Read", "Mail.Read"], "port": 8400, "timeout": "90", "ensure": True,
        "key_vault_secret": ["one"], "certificate_command": "sign --key 7", "client_secret": "",
    } == profile_of(file, parser, text)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("client_id = 'x'", "unknown key 'client_id'", "Did you mean client-id?"),
        ("tenant-di = 'x'", "unknown key 'tenant-di'", "Did you mean tenant-id?"),
        ("color = 'x'", "unknown key 'color'", "Keys are the options of `entra connect`, without dashes."),
        ("json = true", "unknown key 'json'", "Keys are the options of `entra connect`, without dashes."),
        ("client-secret = 'x'", "client-secret is a secret", "Use client-secret-file or client-secret-env."),
        ("password = 'x'", "password is a secret", "Use password-stdin or password-file or password-env."),
        ("refresh-token = 'x'", "refresh-token is a secret", "Use refresh-token-stdin or refresh-token-file."),
        ("proxy = 'http://a:b@c:8080'", "proxy has a password", "Use the variable HTTPS_PROXY."),
        ("vault-key-from = 'file'", "vault-key-from can't be set in a profile", KEY_FROM),
        ("vault = 'redis://x'", "vault can't be set in a profile", VAULT),
        ("profile = 'x'", "profile can't be set in a profile", "A profile can't select another one."),
        ("port = 'x'", "port is invalid: the value is not an integer", "Correct it."),
        ("port = true", "port is not text", 'Write port = "VALUE".'),
        ("name = ''", "name is invalid: the value is empty", "Correct it."),
        ("scope = []", "scope is not text", 'Write scope = "VALUE", or scope = ["VALUE", "VALUE"].'),
        ("name = ['x']", "name is not text", 'Write name = "VALUE".'),
        ("ensure = 'yes'", "ensure is a switch", "Write ensure = true."),
        ("output = 'xml'", "output is invalid: 'xml'", "Use one of json, ndjson, csv, tsv, table."),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_an_error(file: Path, parser: Parser, text: str, problem: str, remedy: str) -> None:
    """
    The error names file, profile and key, and what to write instead. Secrets, and where the vault is, have no key.
    """
    with pytest.raises(ParameterError) as caught:
        profile_of(file, parser, text)

    assert caught.value.problem.startswith(f"{file}, profile 'work': {problem}")
    assert remedy == caught.value.remedy
    assert 2 == caught.value.exit_code


def test_a_dangerous_key_is_never_suggested(file: Path, parser: Parser) -> None:
    """
    As on the command line, `yes` is not suggested for a mistyped key.
    """
    with pytest.raises(ParameterError) as caught:
        profile_of(file, parser, "yess = true")

    assert "Did you mean" not in caught.value.remedy


def test_a_missing_profile_is_an_error(file: Path, parser: Parser) -> None:
    """
    The error names the nearest profile, or else all profiles. Without a file, it says so.
    """
    file.write_text("[profiles.work]\n[profiles.home]\n[profiles]\nx = 3\n")
    file.chmod(0o600)
    configuration = read_configuration({"ENTRAKIT_CONFIG": str(file)})

    for name, problem, remedy in (
        ("wrok", "has no profile 'wrok'", "Did you mean work?"),
        ("zzz", "has no profile 'zzz'", "Profiles: 'work', 'home', 'x'."),
        ("x", "profile 'x': it is not a table", "Begin it with [profiles.x]."),
    ):
        with pytest.raises(ParameterError, match=problem) as caught:
            configuration.profile(name, parser)
        assert remedy == caught.value.remedy
    with pytest.raises(ParameterError, match="does not exist"):
        read_configuration({"HOME": str(file.parent)}).profile("work", parser)
