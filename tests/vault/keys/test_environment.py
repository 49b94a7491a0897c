"""Keys from environment variables: 32 bytes in base64, or a passphrase."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.vault.keys.environment import EnvironmentKey
from entrakit.vault.keys.source import KeyMissingError

KEY = bytes(range(32))


TEXT_KEY = base64.b64encode(KEY).decode()


OTHER_KEY = base64.b64encode(KEY[::-1]).decode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    key=st.binary(min_size=32, max_size=32), url=st.booleans(), padded=st.booleans(), around=st.sampled_from("\n \t")
)
def test_a_whole_key_from_the_environment(key: bytes, around: str, *, url: bool, padded: bool) -> None:
    """
    32 bytes in base64 or base64url (RFC 4648, 4 and 5) are the key, and need no salt.
    """
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(key).decode()
    source = EnvironmentKey({"ENTRAKIT_VAULT_KEY": around + (text if padded else text.rstrip("=")) + around})

    ref, made = source.make()

    assert (key, "environment", "") == (made, ref.source, ref.salt)
    assert key == source.open(ref)
    assert "environment variable ENTRAKIT_VAULT_KEY (32 bytes)" == source.describe(ref)
    assert text not in repr(source) + repr(ref)


def test_a_passphrase_from_the_environment(without_kernel: None) -> None:
    """
    Any other text is a passphrase, stretched by scrypt (RFC 7914) with a salt that is saved with the key's id.
    """
    source = EnvironmentKey({"ENTRAKIT_VAULT_KEY": "correct horse"})

    ref, key = source.make()

    salt = bytes.fromhex(ref.salt)
    assert 16 == len(salt)
    assert hashlib.scrypt(b"correct horse", salt=salt, n=2**15, r=8, p=1, maxmem=2**26, dklen=32) == key
    assert key == EnvironmentKey({"ENTRAKIT_VAULT_KEY": "correct horse"}).open(ref)
    assert key != source.make()[1]
    assert "horse" not in repr(source) + source.describe(ref)
    assert "passphrase" in source.describe(ref)


@pytest.mark.parametrize("value", ["short", "A" * 42, "A" * 44, "p\udcffss", "pässwörd", "=" * 43, "A" * 43 + "!"])
def test_what_is_not_32_bytes_is_a_passphrase(value: str) -> None:
    """
    A key of another length, or text in any encoding of the environment, is stretched as a passphrase.
    """
    ref, key = EnvironmentKey({"ENTRAKIT_VAULT_KEY": value}).make()

    assert (32, 32) == (len(key), len(ref.salt))


@pytest.mark.parametrize(("value", "words"), [("", "not set"), (OTHER_KEY, "another key"), ("a phrase", "another key")])
def test_a_variable_that_is_not_the_key_is_told(value: str, words: str) -> None:
    """
    A missing variable and one with another key give different errors, with a remedy and without the value.
    """
    ref, _ = EnvironmentKey({"ENTRAKIT_VAULT_KEY": TEXT_KEY}).make()

    with pytest.raises(KeyMissingError, match=words) as caught:
        EnvironmentKey({"ENTRAKIT_VAULT_KEY": value}).open(ref)
    assert ("Set ENTRAKIT_VAULT_KEY" if not value else "Restore its value") in caught.value.remedy
    assert not value or value not in str(caught.value)


def test_the_old_variable_opens_and_never_seals() -> None:
    """
    While a fleet changes its key, both variables are set: an entry is opened with the key that sealed it, and the new
    key seals.
    """
    ref, _ = EnvironmentKey({"ENTRAKIT_VAULT_KEY": TEXT_KEY}).make()
    both = EnvironmentKey({"ENTRAKIT_VAULT_KEY": OTHER_KEY, "ENTRAKIT_VAULT_OLD_KEY": TEXT_KEY})

    assert KEY == both.open(ref)
    assert KEY[::-1] == both.make()[1]
