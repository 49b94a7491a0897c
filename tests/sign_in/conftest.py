"""Certificates for the tests of signing in."""

from __future__ import annotations

import pytest
from tests.certificates.conftest import Maker


@pytest.fixture(scope="session")
def maker() -> Maker:
    """Return the factory of certificates."""
    return Maker()
