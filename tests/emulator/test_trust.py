"""The CA of a run."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from cryptography import x509

if TYPE_CHECKING:
    from entrakit_emulator import Tenant


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_every_loopback_name_is_trusted(tenant: Tenant, host: str) -> None:
    """
    The certificate is valid for localhost, 127.0.0.1 and ::1, also for strict clients (RFC 5280).
    """
    context = ssl.create_default_context(cafile=tenant.ca_path)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    url = tenant.url.replace("localhost", host)

    assert 200 == httpx2.get(f"{url}/common/discovery/keys", verify=context, trust_env=False).status_code


def test_the_ca_can_vouch_for_loopback_only(tenant: Tenant) -> None:
    """
    Trusting the CA gives no power over other sites (RFC 5280, 4.2.1.10).
    """
    ca = x509.load_pem_x509_certificate(Path(tenant.ca_path).read_bytes())
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)

    assert constraints.critical
    assert {"localhost", ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")} == {
        one.value for one in constraints.value.permitted_subtrees or []
    }
    assert 0 == ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def test_others_do_not_trust_it(tenant: Tenant) -> None:
    """
    Without the CA file, clients can't connect.
    """
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{tenant.url}/common/discovery/keys", trust_env=False, verify=ssl.create_default_context())
