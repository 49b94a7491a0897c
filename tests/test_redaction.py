"""Redaction: secrets are masked in logs."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from base64 import urlsafe_b64encode
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.redaction import MASK, redact, redacting_filter

CANARY = "canary-Secret.1~x"
NAMES = [
    *("access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "assertion", "password"),
    *("code", "code_verifier", "device_code", "state", "nonce", "client_info", "passphrase", "private_key"),
]
JWT = ".".join(
    urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"RS256"}', b'{"sub":"ada"}', b"signature")
)
HOSTILE = [
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n-", "-----BEGIN "),
    *("eyJ", "-eyJ", ".eyJabcdef.", "eyJ."),
    *("eyabcdefghijklmnop", "-ewabcdefghijklmnop.", "0.A", "0.A0.A-", "Bearer ", "Bearer%20", "Bearer +", "%20", "+ "),
    *("'password':", '"password":"', '\\"password\\":\\"', "'password': b'\\", "password=", "password=\"\\", "code%3D"),
    *("password: ", "%3Fcode", "cookie:", "cookie: \n", "<password", "<password>", "<a:password "),
    *('"', "'", "\\", "\\\""),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "shape",
    [
        "POST /token body grant_type=x&{name}={value}&client_id=app",
        "https://localhost:1/?{name}={value}#end",
        "https://localhost:1/#{name}={value}",
        "redirect=https%3A%2F%2Fx%3F{name}%3D{value}",
        '{{"{name}": "{value}", "user": "ada"}}',
        '{{"{name}":"quote \\" {value}"}}',
        '{{\\"{name}\\":\\"{value}\\"}}',
        "{{'{name}': '{value}', 'user': 'ada'}}",
        "{{'{name}': ['{value}']}}",
        "[('{name}', '{value}'), ('user', 'ada')]",
        "(b'{name}', b'{value}')",
        "call({name}='it is {value}', user='ada')",
        'call({name}="{value}")',
        '{{"{name}": "{value}',
        "{name}='{value}",
    ],
)
def test_named_values_are_masked(name: str, shape: str) -> None:
    """
    The value of each secret parameter is masked in forms, queries, fragments, JSON, reprs and truncated strings
    (checklist 45).
    """
    text = shape.format(name=name, value=CANARY)

    assert CANARY not in redact(text)
    assert CANARY not in redact(text.replace(name, name.upper()))
    assert MASK in redact(text)
    assert ("ada" in redact(text)) == ("ada" in text)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: Basic {CANARY}",
        f"{{'Authorization': 'Bearer {CANARY}'}}",
        f"[(b'authorization', b'Bearer {CANARY}')]",
        f"curl -H 'X: y' bearer\t{CANARY}",
        f"Bearer%20{CANARY}",
        f"Cookie: a={CANARY}; b={CANARY}",
        f"Set-Cookie: ESTSAUTH={CANARY}; path=/",
        f'"set-cookie": "ESTSAUTH={CANARY}"',
        f"password: {CANARY}",
        f'{{"password": {CANARY}}}',
        f"<wsse:Password Type='x'>{CANARY}</wsse:Password>",
    ],
)
def test_headers_and_other_shapes_are_masked(text: str) -> None:
    """
    Credentials in headers, cookies, plain text and the XML of federated sign-in are masked (checklist 45).
    """
    assert CANARY not in redact(text)


@pytest.mark.parametrize("begin", [b'{"', b"{ ", b"{\n", b"{\r\n"])
def test_tokens_are_masked_without_a_name(begin: bytes) -> None:
    """
    A JWT or JWE is recognized by the base64url of the first bytes of a JSON object, with or without white space (RFC
    7515, 3).
    """
    header = urlsafe_b64encode(begin.ljust(30, b"x")).decode().rstrip("=")
    token = f"{header}.cGF5bG9hZA.c2lnbmF0dXJl"

    assert f"got {MASK} from x" == redact(f"got {JWT} from x")
    assert "cGF5bG9hZA" not in redact(f"<{token}>")
    assert "c2lnbmF0dXJl" not in redact(f"<{token}>")


@pytest.mark.parametrize("start", ["0.AR", "1.AV", "M.C5"])
def test_codes_and_refresh_tokens_are_masked_without_a_name(start: str) -> None:
    """
    Entra's codes and refresh tokens are opaque, but are recognized by their first characters.
    """
    assert f"retry with {MASK}" == redact(f"retry with {start}{'Ab-_9' * 20}")


@pytest.mark.parametrize("shape", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("encrypted", [True, False])
def test_private_keys_are_masked(shape: PrivateFormat, *, encrypted: bool) -> None:
    """
    The whole PEM block is masked: with the headers of the traditional format, on one or many lines, and truncated.
    """
    key = rsa.generate_private_key(65537, 2048)
    protection = BestAvailableEncryption(b"x") if encrypted else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, shape, protection).decode()
    middle = pem.splitlines()[len(pem.splitlines()) // 2]

    for text in (pem, pem + pem, repr(pem), pem[: len(pem) * 2 // 3], pem.replace("\n", "\\n")):
        assert middle not in redact(f"before {text}")
        assert redact(f"before {text}").startswith("before ")
    assert f"before {MASK}\nafter" == redact(f"before {pem}after")


@pytest.mark.parametrize(
    "text",
    [
        "https://login.microsoftonline.com/error?code=7000215",
        "error_code=7000215 status code: 5, in the state of Ohio",
        "connected as ada@contoso.com with the flow devicecode, tenant contoso.com",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "correlation id 0f3c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11",
        "A password is needed; a code was sent.",
    ],
)
def test_what_helps_people_stays(text: str) -> None:
    """
    Error numbers, ids, user names and certificates are not masked.
    """
    assert text == redact(text)


@settings(deadline=None)
@given(st.lists(st.sampled_from([*HOSTILE, *NAMES, "=", ": ", ",", " ", "\n", "é", MASK]) | st.text(max_size=5)))
def test_nothing_before_it_hides_a_secret(parts: list[str]) -> None:
    """
    The value of a parameter, a header and a token are masked after any other text.
    """
    before = "".join(parts)

    assert CANARY not in redact(f"{before}&password={CANARY}&a=b")
    assert CANARY not in redact(f"{before}\nAuthorization: Bearer {CANARY}")
    assert JWT not in redact(f"{before} {JWT}")


@settings(deadline=None)
@given(
    st.sampled_from(NAMES), st.text(min_size=4).map(lambda text: f"<{text}>"), st.sampled_from(["form", "json", "repr"])
)
def test_no_value_gets_out_of_its_frame(name: str, value: str, frame: str) -> None:
    """
    Any value is masked completely, up to the end of its form field, JSON string or repr.
    """
    import json

    text = {
        "form": f"a=b&{urlencode({name: value})}&c=d",
        "json": json.dumps({"a": "b", name: value, "c": "d"}),
        "repr": repr({"a": "b", name: value, "c": "d"}),
    }[frame]
    left = redact(text)

    assert quote(value) not in left
    assert {"form": f"a=b&{name}={MASK}&c=d"}.get(frame, left) == left
    assert len(left) <= len(f"{{'a': 'b', '{name}': \"{MASK}\", 'c': 'd'}}")


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_costs_linear_time(part: str) -> None:
    """
    250,000 characters that almost match take milliseconds; a quadratic search would exceed the time-out.
    """
    text = part * (250_000 // len(part))

    assert isinstance(redact(text), str)
    assert isinstance(redact(f"x{text}\n{text}"), str)


def logged(*args: object, exc: bool = False, stack: bool = False) -> str:
    """Return the output of a handler with the filter for one record."""
    stream = io.StringIO()
    logger = logging.Logger("test")  # noqa: LOG001 - separate loggers, so that tests are independent
    handler = logging.StreamHandler(stream)
    handler.addFilter(redacting_filter())
    logger.addHandler(handler)
    if exc:
        try:
            raise ValueError(f"client_secret={CANARY}")
        except ValueError:
            logger.exception(*args, stack_info=stack)
    else:
        logger.warning(*args, stack_info=stack)
    return stream.getvalue()


def test_the_filter_masks_messages_and_arguments() -> None:
    """
    A secret is masked in every part of a record: message, arguments, mappings, objects (checklist 45).
    """
    shown = [
        logged(f"sent password={CANARY}"),
        logged("sent password=%s to %s", CANARY, "host"),
        logged("sent %s", {"password": CANARY}),
        logged("sent %(password)r", {"password": f"password={CANARY}"}),
        logged({"password": CANARY}),
    ]

    assert [] == [text for text in shown if CANARY in text or MASK not in text]
    assert f"sent password={MASK} to host\n" == shown[1]


def test_the_filter_masks_tracebacks_and_stacks() -> None:
    """
    The message of an exception and the lines of a stack are masked, and the rest of them is printed.
    """
    text = logged("failed", exc=True, stack=True)

    assert CANARY not in text
    assert f"ValueError: client_secret={MASK}" in text
    assert "Stack (most recent call last)" in text


def test_a_cached_traceback_is_masked() -> None:
    """
    A traceback is masked even if another handler has already formatted it into the record.
    """
    record = logging.makeLogRecord({"msg": "failed", "exc_text": f"password={CANARY}"})

    assert redacting_filter().filter(record)
    assert f"password={MASK}" == record.exc_text


def test_a_record_that_can_not_be_formatted_is_shown_without_arguments() -> None:
    """
    A record that can't be formatted raises no error, and its arguments are not printed.
    """

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(CANARY)

    assert "three %s %s %s (its arguments don't fit)\n" == logged("three %s %s %s", CANARY)
    assert "(can't be shown)\n" == logged(Broken())


def test_masking_does_not_load_logging() -> None:
    """
    A function creates the filter, so a command that logs nothing does not load `logging`.
    """
    code = "import sys; import entrakit.redaction; print('logging' in sys.modules)"

    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
