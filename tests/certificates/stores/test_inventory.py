"""The inventory of all stores: each certificate with its store, its key, and the reason why it can't be used."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.inventory import list_certificates
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker
    from tests.certificates.stores.conftest import Hsm


@pytest.fixture
def environ(tmp_path: Path, maker: Maker) -> dict[str, str]:
    """Return the environment of a machine with a valid, an expired and a damaged certificate of the user."""
    directory = tmp_path / "own" / "certificates"
    directory.mkdir(parents=True)
    for name, content in (
        ("a.pfx", maker.pfx(maker.certificate("valid"))),
        ("b.pfx", maker.pfx(maker.certificate("expired", begins=-9, ends=-1))),
        ("c.pfx", b"damaged"),
    ):
        (directory / name).write_bytes(content)
    return {
        "HOME": str(tmp_path),
        "ENTRAKIT_HOME": str(tmp_path / "own"),
        "ENTRAKIT_MACHINE_CERTIFICATES": str(tmp_path / "none"),
    }


def test_every_certificate_is_listed(environ: dict[str, str]) -> None:
    """
    Valid, expired and unreadable items are listed with their place, their key, and the reason against them.
    """
    valid, expired, damaged = list_certificates("user", now=time.time(), environ=environ)

    assert ("directory", "user", "RSA 2048", True, "") == (
        *(valid.kind, valid.scope, valid.key, valid.is_exportable),
        valid.problem,
    )
    assert "expired on" in expired.problem
    assert expired.certificate is not None
    assert (None, "", None) == (damaged.certificate, damaged.key, damaged.is_exportable)
    assert damaged.place in damaged.problem
    assert valid.store.endswith("certificates (user)")


def test_an_unknown_store_is_an_error(environ: dict[str, str]) -> None:
    """
    A store that does not exist is reported before any store is read.
    """
    with pytest.raises(ParameterError, match="Unknown certificate store"):
        list_certificates("moon", now=time.time(), environ=environ)


def test_tokens_are_listed(hsm: Hsm) -> None:
    """
    Certificates on tokens are listed. Without the PIN it is unknown whether a key is exportable.
    """
    found = {one.place: one for one in list_certificates(module=hsm.module, now=time.time())}

    one = found["app on the token 'signing'"]
    assert ("pkcs11", "user", "RSA 2048") == (one.kind, one.scope, one.key)
    assert (None, "") == (one.is_exportable, one.problem)
    assert one.certificate is not None
    assert hsm.thumbprint.upper() == one.certificate.thumbprint_sha256
