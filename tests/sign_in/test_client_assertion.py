"""Client assertions (RFC 7523), verified by other implementations."""

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


def test_pyjwt_verifies_an_assertion(maker: Maker) -> None:
    """
    Algorithm, issuer, subject, audience and times are those that Microsoft documents (checklist 24, 25, 26).
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


def test_the_chain_is_sent_on_request(maker: Maker) -> None:
    """
    The header x5c has certificate and chain in standard base64, the certificate first (RFC 7515, 4.1.6).
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


def test_each_assertion_has_its_own_id(maker: Maker) -> None:
    """
    Assertions of the same second have different ids.
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    texts = [build(one, client_id="a", audience="b", now=1e9) for _ in range(3)]
    ids = {jwt.decode(text, options={"verify_signature": False})["jti"] for text in texts}

    assert 3 == len(ids)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_an_assertion(maker: Maker, tmp_path: Path) -> None:
    """
    The signature is RSASSA-PSS with SHA-256 and a salt of 32 bytes, over both encoded parts (RFC 7515).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    message, _, signature = build(one, client_id=CLIENT, audience=AUDIENCE, now=time.time()).rpartition(".")
    (tmp_path / "certificate.der").write_bytes(one.der)
    (tmp_path / "message").write_text(message)
    (tmp_path / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
    public = ["openssl", "x509", "-inform", "DER", "-in", "certificate.der", "-noout", "-pubkey", "-out", "public.pem"]
    subprocess.run(public, cwd=tmp_path, check=True)

    scheme = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]
    words = ["openssl", "dgst", *scheme, "-verify", "public.pem", "-signature", "signature", "message"]
    result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "Verified OK\n" == result.stdout


@pytest.mark.parametrize(
    "audience",
    [
        f"https://{host}/t/oauth2/v2.0/token"
        for host in ("login.microsoftonline.com", "login.partner.microsoftonline.cn")
    ],
)
def test_the_audience_is_the_token_endpoint(maker: Maker, audience: str) -> None:
    """
    The audience is the given token endpoint, in every cloud (checklist 25).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())
    text = build(one, client_id=CLIENT, audience=audience, now=time.time())

    assert audience == jwt.decode(text, options={"verify_signature": False})["aud"]


def test_an_assertion_is_base64url_without_padding(maker: Maker) -> None:
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

    with pytest.raises(CertificateError, match="not made with the key"):
        build(one, client_id=CLIENT, audience=AUDIENCE, now=0)


@pytest.mark.parametrize("lifetime", [0, -5, 601])
def test_an_assertion_is_valid_for_at_most_ten_minutes(maker: Maker, lifetime: int) -> None:
    """
    A lifetime of more than ten minutes, or of less than a second, is refused (checklist 24).
    """
    one = Certificate.from_pair(maker.key, maker.certificate())

    with pytest.raises(ParameterError):
        build(one, client_id="a", audience="b", now=0, lifetime_s=lifetime)
