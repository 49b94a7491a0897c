"""A SoftHSM token with a certificate, for the tests of PKCS#11."""

from __future__ import annotations

import os
import subprocess
from glob import glob
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509
    from tests.certificates.conftest import Maker

PIN = "canary-pin-1234"


class Hsm(NamedTuple):
    """A token with a key and its certificate.

    Args:
        module: File of the PKCS#11 module.
        label: Label of the token.
        certificate: Certificate of the key `app`.
        home: Directory of the tokens.
    """

    module: str
    label: str
    certificate: x509.Certificate
    home: Path

    @property
    def uri(self) -> str:
        """The URI of the certificate."""
        return f"pkcs11:token={self.label};object=app"

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the certificate."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def pem(self) -> str:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def softhsm() -> str:
    """Return the PKCS#11 module of SoftHSM."""
    return next(iter(glob("/usr/lib/*/softhsm/libsofthsm2.so") + glob("/usr/lib/softhsm/libsofthsm2.so")))


def new_token(label: str) -> None:
    """Create a token."""
    words = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN]
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory, maker: Maker) -> Iterator[Hsm]:
    """Yield a token `signing` with a certificate and a key that was created there and is not exportable."""
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "conf").write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "conf")
    for label in ("signing", "other", "wrong"):
        new_token(label)
    import pkcs11
    from pkcs11 import Attribute, CertificateType, KeyType, ObjectClass

    module = softhsm()
    with pkcs11.lib(module).get_token(token_label="signing").open(rw=True, user_pin=PIN) as session:
        public, private = session.generate_keypair(KeyType.RSA, 2048, store=True, label="app", id=b"\x01")
        assert (False, True) == (private[Attribute.EXTRACTABLE], private[Attribute.SENSITIVE])
        numbers = RSAPublicNumbers(
            int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big"), int.from_bytes(public[Attribute.MODULUS], "big")
        )
        certificate = maker.certificate("on a token", public_key=numbers.public_key())
        lonely = maker.certificate("without a key")
        for one, label, key_id in ((certificate, "app", b"\x01"), (lonely, "lonely", b"\x02")):
            session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                    Attribute.VALUE: one.public_bytes(serialization.Encoding.DER),
                    Attribute.ID: key_id,
                    Attribute.LABEL: label,
                    Attribute.TOKEN: True,
                    Attribute.SUBJECT: one.subject.public_bytes(),
                }
            )
    yield Hsm(module, "signing", certificate, home)
    del os.environ["SOFTHSM2_CONF"]
