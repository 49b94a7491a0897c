"""Secrets know their source and never print their value."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.secret import (
    MAX_FILE,
    Secret,
    UsernamePassword,
    refuse_impossible_characters,
    without_line_break,
    without_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARY = "canary-5ecret"


@settings(deadline=None)
@given(st.text(min_size=1), st.sampled_from(["argument", "prompt", "stdin", "env:NAME", "file:/x"]))
def test_a_secret_is_kept_as_it_was_given(value: str, origin: str) -> None:
    """
    `reveal` returns the exact value, because white space and hidden characters can belong to a secret.
    """
    assert value == Secret(value, origin).reveal()


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{0!r}".format, ascii, lambda one: f"{one}"])
@pytest.mark.parametrize("secret", [Secret(CANARY, "env:APP_SECRET"), UsernamePassword("ada@contoso.com", CANARY)])
def test_no_way_of_showing_shows_the_value(show: object, secret: object) -> None:
    """
    `repr`, `str` and formatting never contain a secret or a password (checklist 49).
    """
    assert callable(show)
    text = show(secret)

    assert CANARY not in text
    assert "env:APP_SECRET" in text or "ada@contoso.com" in text
    assert "   Secret(origin='prompt')" == f"{Secret(CANARY, 'prompt'):>26}"


@pytest.mark.parametrize("secret", [Secret(CANARY), UsernamePassword("ada@contoso.com", CANARY)])
def test_a_pickle_is_refused(secret: object) -> None:
    """
    Pickling a secret raises TypeError, because a pickle contains the value in plain text. Copies in memory are the same
    object.
    """
    with pytest.raises(TypeError, match="pickled") as caught:
        pickle.dumps(secret)

    assert CANARY not in str(caught.value)
    assert copy.copy(secret) is secret
    assert copy.deepcopy(secret) is secret


@pytest.mark.parametrize("secret", [Secret(CANARY), UsernamePassword("ada@contoso.com", CANARY)])
def test_a_secret_can_not_be_changed(secret: object) -> None:
    """
    Secrets are immutable: attributes can't be set or deleted, and a secret has no length and no `__dict__`.
    """
    for name in ("_value", "origin", "username", "password", "other"):
        with pytest.raises(AttributeError):
            setattr(secret, name, "x")
        with pytest.raises(AttributeError):
            delattr(secret, name)

    assert not hasattr(secret, "__len__")
    assert not hasattr(secret, "__dict__")


def test_secrets_are_equal_by_value() -> None:
    """
    Two secrets are equal if their values are equal, regardless of their sources. A string never equals a secret.
    """
    assert Secret(CANARY) == Secret(CANARY, "prompt")
    assert Secret(CANARY) != Secret(CANARY + "x")
    assert CANARY != Secret(CANARY)
    with pytest.raises(ParameterError, match="not UTF-8"):
        Secret("\udcff")
    with pytest.raises(TypeError):
        hash(Secret(CANARY))


def test_an_environment_variable_is_read_again() -> None:
    """
    A secret of the environment names its variable, and `again` returns the current value of the variable (rotation).
    """
    environ = {"AZURE_CLIENT_SECRET": "old"}
    secret = Secret.from_env("AZURE_CLIENT_SECRET", environ)
    environ["AZURE_CLIENT_SECRET"] = "new"

    assert "env:AZURE_CLIENT_SECRET" == secret.origin
    assert "old" == secret.reveal()
    again = secret.again(environ)
    assert again is not None
    assert ("new", secret.origin) == (again.reveal(), again.origin)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
@pytest.mark.parametrize("beginning", ["", "\ufeff"])
def test_an_environment_variable_gets_the_care_of_a_file(beginning: str, end: str) -> None:
    """
    A byte order mark and one line break, which editors and `base64` add, are not part of the secret; now and when it is
    read again.
    """
    environ = {"MINE": f"{beginning} value {end}"}

    assert " value " == Secret.from_env("MINE", environ).reveal()
    assert " value " == Secret.from_origin("env:MINE", environ).reveal()
    with pytest.raises(ParameterError, match="MINE is empty"):
        Secret.from_env("MINE", {"MINE": beginning + end})


@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, True), (0o604, True), (0o400, False)])
def test_a_file_that_others_can_read_causes_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, *, is_told: bool
) -> None:
    """
    A file of a secret is used whatever its mode is; a warning has the command to type if others can read it.
    """
    path = tmp_path / "my secret"
    path.write_text(CANARY)
    path.chmod(mode)

    assert CANARY == Secret.from_file(path).reveal()
    assert is_told == (f"can read the secret in {path}. Type `chmod 600 '{path}'`." in caplog.text)
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    ("value", "what", "named"),
    [
        ("a\nb", "client secret", "U+000A (line feed) as character 2 of 3"),
        ("a\rb", "password", "U+000D (carriage return) as character 2 of 3"),
        ("ab\t", "client secret", "U+0009 (tab) as character 3 of 3"),
        ("\xa0a", "client secret", "U+00A0 (no-break space) as character 1 of 2"),
        ("a\u201d", "client secret", "U+201D (right double quotation mark) as character 2 of 2"),
        ("a\x1b", "password", "U+001B (control character) as character 2 of 2"),
        ("a\x7f", "password", "U+007F (control character) as character 2 of 2"),
        ("a\0", "password", "U+0000 (null) as character 2 of 2"),
    ],
)
def test_a_character_that_no_secret_can_hold_is_named(value: str, what: str, named: str) -> None:
    """
    RFC 6749, appendix A: a client secret has printable ASCII, a password no control characters except tabs.
    """
    with pytest.raises(ParameterError) as caught:
        refuse_impossible_characters(Secret(value, "env:MINE"), what)

    assert f"The {what} from the environment variable MINE contains {named}, which no {what}" in str(caught.value)


@pytest.mark.parametrize(("value", "what"), [
    (" emu8Q~x_y.z ", "client secret"), ("~!", "client secret"), ("F\xfc\xdfe\t\xa0\U0001f511", "password"),
])  # fmt: skip
def test_any_other_character_is_accepted(value: str, what: str) -> None:
    """
    A password can have letters of every script.
    """
    refuse_impossible_characters(Secret(value), what)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"value", "value"),
        (b"value\n", "value"),
        (b"value\r\n", "value"),
        (b"value\n\n", "value\n"),
        (b" value ", " value "),
        (b"\xef\xbb\xbfvalue\r\n", "value"),
        ("Füße".encode(), "Füße"),
    ],
)
def test_a_file_loses_one_line_break(tmp_path: Path, content: bytes, expected: str) -> None:
    """
    One line break at the end of a file and a byte order mark are removed, and nothing else.
    """
    path = tmp_path / "secret.txt"
    path.write_bytes(content)

    secret = Secret.from_file(path)

    assert expected == secret.reveal()
    assert f"file:{path}" == secret.origin
    assert secret == secret.again()


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `~` is expanded, and the origin contains the full path (user wish 22).
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret.txt").write_text("value\n")

    assert f"file:{tmp_path}/secret.txt" == Secret.from_file("~/secret.txt").origin


@pytest.mark.parametrize("origin", ["argument", "prompt", "stdin"])
def test_what_a_person_typed_can_not_be_read_again(origin: str) -> None:
    """
    Only files and environment variables can be read again without a user.
    """
    assert Secret(CANARY, origin).again() is None
    with pytest.raises(ParameterError, match="can't be read again"):
        Secret.from_origin(origin)


def test_what_can_not_be_a_secret_says_why(tmp_path: Path) -> None:
    """
    Each mistake has a specific message, and no message contains the content.
    """
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "large").write_bytes(CANARY.encode() * MAX_FILE)
    (tmp_path / "wide").write_bytes(CANARY.encode("utf-16-le"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe" + CANARY.encode("utf-16-le"))
    cases: dict[str, Callable[[], Secret]] = {
        "is not set": lambda: Secret.from_env("GONE", {}),
        "Is the environment variable empty": lambda: Secret.from_env("EMPTY", {"EMPTY": ""}),
        "check that the variable is not empty": lambda: Secret(""),
        "standard input is empty": lambda: Secret("", "stdin"),
        "empty' is empty": lambda: Secret.from_file(tmp_path / "empty"),
        "too large": lambda: Secret.from_file(tmp_path / "large"),
        "not UTF-8": lambda: Secret.from_file(tmp_path / "binary"),
        "not UTF-8 text, but contains null bytes, as UTF-16 does": lambda: Secret.from_file(tmp_path / "wide"),
        "No such file or directory": lambda: Secret.from_file(tmp_path / "gone"),
        "Is a directory": lambda: Secret.from_file(tmp_path),
        "not a valid path": lambda: Secret.from_file("a\0b"),
    }

    for expected, make in cases.items():
        with pytest.raises(ParameterError) as caught:
            make()
        assert expected in str(caught.value)
        assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_secret_is_text() -> None:
    """
    Bytes raise a TypeError that names only the type.
    """
    with pytest.raises(TypeError, match="not bytes") as caught:
        Secret(cast("str", CANARY.encode()))

    assert CANARY not in str(caught.value)


def test_a_credential_keeps_a_password_with_its_origin() -> None:
    """
    A password is a string or a secret, whose source is kept. White space around the user name is removed.
    """
    password = Secret.from_env("AZURE_PASSWORD", {"AZURE_PASSWORD": CANARY})

    assert Secret(CANARY) == UsernamePassword(" ada@contoso.com\n", CANARY).password
    assert "ada@contoso.com" == UsernamePassword(" ada@contoso.com\n", CANARY).username
    assert "env:AZURE_PASSWORD" == UsernamePassword("ada@contoso.com", password).password.origin


@pytest.mark.parametrize(
    ("name", "password"),
    [("", "x"), (" ", "x"), ("ada\n@contoso.com", "x"), ("a\x1b[31mda", "x"), ("ada\u202e", "x"), ("ada", "")],
)
def test_a_credential_that_can_not_be_right_is_refused(name: str, password: str) -> None:
    """
    An empty name or password is rejected, and so is a name with line breaks, escapes or bidirectional controls.
    """
    with pytest.raises(ParameterError):
        UsernamePassword(name, password)


@settings(deadline=None)
@given(st.text())
def test_one_line_break_is_removed(text: str) -> None:
    """
    Only one line break, as added by a file or a pipe, is removed.
    """
    assert text == without_line_break(text + "\n") or text.endswith("\r")
    assert text == without_line_break(text + "\r\n")


@pytest.mark.parametrize("value", [CANARY, f"{CANARY}\n", f"\ufeff{CANARY}\r\n"])
def test_other_programs_inherit_no_secret(value: str) -> None:
    """
    The environment of other programs has neither a variable that a secret was read from, whatever its name and whether
    it has another value now, nor one with the value of a secret that came from elsewhere.
    """
    environ = {"MY_SECRET": value, "AZURE_CLIENT_SECRET": "x", "ENTRAKIT_VAULT_KEY": "x", "PATH": "/bin", "NOTHING": ""}
    secret = Secret.from_env("MY_SECRET", environ)
    argument = Secret("canary-argument")

    assert {"PATH": "/bin", "NOTHING": ""} == without_secrets(environ)
    assert {"PATH": "/bin"} == without_secrets({"MY_SECRET": "the next one", "PATH": "/bin"})
    assert {"PATH": "/bin"} == without_secrets(
        {"COPY": f"{argument.reveal()}\n", "SAME": secret.reveal(), "PATH": "/bin"}
    )


@pytest.mark.parametrize("how", ["argument", "bytes", "variable", "file", "large file", "user"])
def test_a_refused_secret_is_not_in_the_error(how: str, tmp_path: Path) -> None:
    """
    Neither the local variables of an error nor the errors before it contain the secret that was refused.
    """
    file = tmp_path / "secret"
    file.write_bytes(b"canary\xff" if how == "file" else b"canary" * 20_000)
    refused: dict[str, Callable[[], object]] = {
        "argument": lambda: Secret(f"can{'ary'}\udcff"),
        "bytes": lambda: Secret(f"can{'ary'}".encode()),  # type: ignore[arg-type] # a mistake
        "variable": lambda: Secret.from_env("REFUSED", {"REFUSED": f"can{'ary'}\udcff"}),
        "file": lambda: Secret.from_file(file),
        "large file": lambda: Secret.from_file(file),
        "user": lambda: UsernamePassword("", Secret(f"can{'ary'}")),
    }

    with pytest.raises((ParameterError, TypeError)) as caught:
        refused[how]()

    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    own = "\n".join(line for line in shown.splitlines() if "can{'ary'}" not in line)
    assert "canary" not in own
    assert caught.value.__context__ is None
