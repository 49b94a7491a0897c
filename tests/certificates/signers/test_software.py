"""Keys in memory: they match their certificate, and are never shown."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from entrakit.certificates.signers.software import SoftwareKey
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from tests.certificates.conftest import Maker


def test_a_key_is_never_shown_or_copied(maker: Maker) -> None:
    """
    Neither repr nor pickle nor copy reveals a key (checklist 28).
    """
    key = SoftwareKey(maker.key)

    assert "SoftwareKey(…)" == repr(key)
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(key)


def test_a_key_of_another_type_is_refused(maker: Maker) -> None:
    """
    Entra accepts RSA keys only. The error names the type of the given key (EC, Ed25519).
    """
    with pytest.raises(CertificateError, match="has the type EC, but Microsoft Entra accepts RSA keys only"):
        SoftwareKey.matching(maker.ec_key, maker.certificate())
    with pytest.raises(CertificateError, match="has the type Ed25519"):
        SoftwareKey.matching(ed25519.Ed25519PrivateKey.generate(), maker.certificate())
