"""Where the key comes from: the environment, or one private file however many processes make it."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.errors import VaultError
from entrakit.vault import Vault
from entrakit.vault.key import EnvironmentKey, FileKey, KeySource, choose

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    key=st.binary(min_size=32, max_size=32), url=st.booleans(), padded=st.booleans(), around=st.sampled_from("\n \t")
)
def test_a_whole_key_from_the_environment(
    private_home: Path, key: bytes, around: str, *, url: bool, padded: bool
) -> None:
    """
    32 bytes in base64 or base64url (RFC 4648, 4 and 5) are the key; nothing is written beside the vault.
    """
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(key).decode()
    source = choose({"ENTRAKIT_VAULT_KEY": around + (text if padded else text.rstrip("=")) + around}, str(private_home))

    assert key == source.key()
    assert ("environment", "environment variable ENTRAKIT_VAULT_KEY (32 bytes)") == (source.name, source.description)
    assert text not in repr(source)
    assert [] == list(private_home.iterdir())


def test_a_passphrase_from_the_environment(private_home: Path) -> None:
    """
    Any other text is a passphrase, stretched by scrypt (RFC 7914) with a private salt of this vault.
    """
    one = EnvironmentKey("correct horse", str(private_home))

    key = one.key()

    salt = private_home / "salt"
    assert 16 == len(salt.read_bytes())
    assert 0o600 == salt.stat().st_mode & 0o777
    expected = hashlib.scrypt(b"correct horse", salt=salt.read_bytes(), n=2**15, r=8, p=1, maxmem=2**26, dklen=32)
    assert expected == key == EnvironmentKey("correct horse", str(private_home)).key()
    assert key != EnvironmentKey("wrong horse", str(private_home)).key()
    assert "horse" not in repr(one) + one.description
    assert "stretched at each start" in one.description


def test_the_salt_makes_vaults_differ(private_home: Path, tmp_path: Path) -> None:
    """
    One passphrase gives two vaults two keys; a source stretches once.
    """
    one, other = (EnvironmentKey("correct horse", str(home)) for home in (private_home, tmp_path / "other"))

    assert one.key() != other.key()
    assert one.key() is one.key()


@pytest.mark.parametrize("value", ["short", "A" * 42, "A" * 44, "p\udcffss", "pässwörd", "=" * 43, "A" * 43 + "!"])
def test_what_is_not_32_bytes_is_a_passphrase(private_home: Path, value: str) -> None:
    """
    A key of another length, or text in any encoding that an environment may have, is stretched and not refused.
    """
    source = EnvironmentKey(value, str(private_home))

    assert "passphrase" in source.description
    assert 32 == len(source.key())


def test_a_damaged_salt_is_told(private_home: Path) -> None:
    """
    A salt of another length is an error that names the file, not another key.
    """
    (private_home / "salt").write_bytes(b"short")
    (private_home / "salt").chmod(0o600)

    with pytest.raises(VaultError, match="salt"):
        EnvironmentKey("correct horse", str(private_home)).key()


def test_a_file_says_how_it_protects(private_home: Path) -> None:
    """
    The key file is made when it is first needed, is private, and says plainly what it is worth.
    """
    source = choose({"ENTRAKIT_VAULT_KEY": ""}, str(private_home))
    assert [] == list(private_home.iterdir())

    first = source.key()

    assert (32, first) == (len(first), FileKey(str(private_home)).key())
    assert ("file", True) == (source.name, "protects as file permissions do" in source.description)
    assert 0o600 == (private_home / "key").stat().st_mode & 0o777


def test_a_key_file_of_another_length_is_refused(private_home: Path) -> None:
    """
    A damaged key file is neither used nor replaced: it may come back from a backup.
    """
    (private_home / "key").write_bytes(b"short")
    (private_home / "key").chmod(0o600)

    with pytest.raises(VaultError, match="it has 5 bytes, not 32"):
        FileKey(str(private_home)).key()
    assert b"short" == (private_home / "key").read_bytes()


def test_an_open_key_file_is_refused(private_home: Path) -> None:
    """
    A key that others can read is not used, and the chmod to type is told (checklist 39).
    """
    FileKey(str(private_home)).key()
    (private_home / "key").chmod(0o644)

    with pytest.raises(VaultError) as caught:
        FileKey(str(private_home)).key()
    assert "chmod 600" in caught.value.remedy


@pytest.mark.parametrize("source", ["FileKey({home!r})", "EnvironmentKey('correct horse', {home!r})"])
def test_processes_that_race_make_one_key(private_home: Path, source: str) -> None:
    """
    Several processes that need the key at once end up with one (request 16 of the users), and leave no rest.
    """
    home = private_home / "new"
    program = (
        "import sys\nfrom entrakit.vault.key import EnvironmentKey, FileKey\n"
        f"source = {source.format(home=str(home))}\nprint('ready', flush=True)\nsys.stdin.read(1)\n"
        "print(source.key().hex())"
    )
    racing = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    for process in racing:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()

    keys = {process.communicate("x", timeout=30)[0].strip() for process in reversed(racing)}

    assert [0] * 6 == [process.returncode for process in racing]
    assert [64] == [len(key) for key in keys]
    assert ["key" if "File" in source else "salt"] == [path.name for path in home.iterdir()]


def test_a_source_is_a_small_protocol(private_home: Path) -> None:
    """
    Anything with a name, a description and 32 bytes fits: the next rungs of the ladder are such things.
    """

    class Fixed:
        name = "fixed"
        description = "a key of the test"

        def key(self, *, create: bool = True) -> bytes:
            return KEY

    source: KeySource = Fixed()

    assert KEY == source.key()


def test_a_lost_key_is_not_replaced_in_silence(private_home: Path) -> None:
    """
    Where entries are kept, a missing key file is told, for reading and for writing; without entries a new one is made.
    """
    vault = Vault(str(private_home))
    vault.write("work", {}, {"a": 1})
    (private_home / "key").unlink()

    with pytest.raises(VaultError, match="is gone"):
        vault.read("work")
    with pytest.raises(VaultError, match="is gone"):
        vault.write("other", {}, {})
    assert not (private_home / "key").exists()
    vault.delete("work")
    vault.write("other", {}, {"b": 2})
    assert {"b": 2} == vault.read("other").secrets
