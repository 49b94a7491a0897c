"""The client assertion (RFC 7523), verified by libraries nobody here wrote."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization

from entrakit import Certificate
from entrakit.certificates.signers.software import SoftwareKey
from entrakit.errors import CertificateError, ParameterError
from entrakit.sign_in.client_assertion import build

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker

CLIENT, AUDIENCE = "app-id", "https://login.microsoftonline.us/t/oauth2/v2.0/token"


def test_pyjwt_verifies_it(maker: Maker) -> None:
    """
    PS256, with issuer, subject, audience and times as Microsoft documents them (checklist 24, 25, 26).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    now = time.time()

    text = build(one, client_id=CLIENT, audience=AUDIENCE, now=now)

    claims = jwt.decode(text, maker.key.public_key(), algorithms=["PS256"], audience=AUDIENCE, issuer=CLIENT)
    assert (CLIENT, int(now), int(now), int(now) + 600) == tuple(claims[name] for name in ("sub", "iat", "nbf", "exp"))
    assert all(isinstance(claims[name], int) for name in ("iat", "nbf", "exp"))
    header = jwt.get_unverified_header(text)
    assert base64.urlsafe_b64encode(bytes.fromhex(one.thumbprint_sha256)).rstrip(b"=").decode() == header["x5t#S256"]
    assert {"alg", "typ", "x5t#S256"} == header.keys()


def test_the_chain_is_sent_when_asked(maker: Maker) -> None:
    """
    x5c holds the leaf first, in standard base64 (RFC 7515, 4.1.6).
    """
    middle = maker.certificate("middle", key=maker.other_key)
    leaf = maker.certificate("app", issuer="middle")
    one = Certificate.from_pair(maker.key, leaf, [middle])

    header = json.loads(
        base64.urlsafe_b64decode(
            build(one, client_id="a", audience="b", now=0, send_chain=True).partition(".")[0] + "=="
        )
    )

    ders = [base64.b64decode(text) for text in header["x5c"]]
    assert [each.public_bytes(serialization.Encoding.DER) for each in (leaf, middle)] == ders
    assert leaf.fingerprint(hashes.SHA256()).hex().upper() == one.thumbprint_sha256


def test_no_two_are_alike(maker: Maker) -> None:
    """
    Each assertion has an id of its own.
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    texts = [build(one, client_id="a", audience="b", now=1e9) for _ in range(3)]
    ids = {jwt.decode(text, options={"verify_signature": False})["jti"] for text in texts}

    assert 3 == len(ids)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
def test_openssl_verifies_it(maker: Maker, tmp_path: Path) -> None:
    """
    The signature is RSASSA-PSS with SHA-256 and a salt of 32 bytes, over both parts as they stand (RFC 7515).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    message, _, signature = build(one, client_id=CLIENT, audience=AUDIENCE, now=time.time()).rpartition(".")
    (tmp_path / "certificate.der").write_bytes(one.der)
    (tmp_path / "message").write_text(message)
    (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
    public = ["openssl", "x509", "-inform", "DER", "-in", "certificate.der", "-noout", "-pubkey", "-out", "public.pem"]
    subprocess.run(public, cwd=tmp_path, check=True)

    result = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32",
         "-verify", "public.pem", "-signature", "signature", "message"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "Verified OK\n" == result.stdout


@pytest.mark.parametrize(
    "audience",
    [
        f"https://{host}/t/oauth2/v2.0/token"
        for host in ("login.microsoftonline.com", "login.partner.microsoftonline.cn")
    ],
)
def test_the_audience_is_what_it_is_sent_to(maker: Maker, audience: str) -> None:
    """
    The audience is the token endpoint that was given, of whatever cloud, and no other (checklist 25).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    text = build(one, client_id=CLIENT, audience=audience, now=time.time())

    assert audience == jwt.decode(text, options={"verify_signature": False})["aud"]


def test_it_is_base64url_without_padding(maker: Maker) -> None:
    """
    All three parts are base64url without padding (RFC 7515, 2).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", build(one, client_id="ä?>", audience=AUDIENCE, now=1.9), re.ASCII)


def test_a_key_of_another_certificate_signs_nothing(maker: Maker) -> None:
    """
    An assertion that the certificate does not verify is never sent (checklist 27).
    """
    one = Certificate(maker.certificate(), SoftwareKey(maker.other_key))

    with pytest.raises(CertificateError, match="not signed with its key"):
        build(one, client_id=CLIENT, audience=AUDIENCE, now=0)


@pytest.mark.parametrize("lifetime", [0, -5, 601])
def test_it_lives_ten_minutes_at_the_most(maker: Maker, lifetime: int) -> None:
    """
    A longer life is refused (checklist 24).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    with pytest.raises(ParameterError):
        build(one, client_id="a", audience="b", now=0, lifetime_s=lifetime)
