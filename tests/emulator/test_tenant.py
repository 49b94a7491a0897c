"""Starting and stopping a tenant."""

from __future__ import annotations

import socket
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from entrakit_emulator import start
from entrakit_emulator.clock import Clock

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_several_tenants_run_side_by_side() -> None:
    """
    A tenant has its own port, CA and control key, and is gone after its `with` block.
    """
    with start() as one, start() as other:
        assert one.url != other.url
        assert one.control_key != other.control_key
        for tenant in (one, other):
            context = ssl.create_default_context(cafile=tenant.ca_path)
            answer = httpx2.get(f"{tenant.url}/common/discovery/keys", verify=context, trust_env=False)
            assert 200 == answer.status_code

    assert not Path(one.ca_path).parent.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(one.url).port or 0))


def test_stop_may_be_called_twice() -> None:
    """
    A second stop does nothing.
    """
    tenant = start()

    tenant.stop()
    tenant.stop()


def test_a_taken_port_is_refused() -> None:
    """
    A port in use is an error; no other port is chosen.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        start(port=taken.getsockname()[1])


def test_a_wished_port_is_taken() -> None:
    """
    `port` is the port of the address.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with start(port=port) as tenant:
        assert f"https://localhost:{port}" == tenant.url


def test_a_clock_may_be_handed_in() -> None:
    """
    The tenant takes the time from the given clock, also after a reset.
    """

    class Noon:
        def time(self) -> float:
            return 43200.0

    with start(clock=Noon()) as tenant:
        tenant.clock.advance(1)
        tenant.reset()

        assert 43200.0 == tenant.clock.now()
        assert isinstance(tenant.clock, Clock)


def test_the_ca_file_is_private(caller: Caller) -> None:
    """
    The directory of the CA certificate is private and contains no key.
    """
    directory = Path(caller.tenant.ca_path).parent

    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    assert ["ca.pem"] == [one.name for one in directory.iterdir()]
    assert "PRIVATE" not in (directory / "ca.pem").read_text()


def test_secrets_are_not_shown(caller: Caller) -> None:
    """
    No `repr` contains a password, a secret or a key.
    """
    tenant = caller.tenant
    shown = repr((tenant, tenant.users, tenant.person(), tenant.seed.add_secret(tenant.confidential_client, "hidden")))

    for secret in (*(user.password for user in tenant.users if user.password), "246810", "hidden", tenant.control_key):
        assert secret not in shown
