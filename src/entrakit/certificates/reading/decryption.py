"""Decryption of the certificates in a PFX file, for those that the library can decrypt but not read.

PBES2         PBKDF2 with AES-CBC or triple DES (RFC 8018, 6.2 and A.4): current programs
PKCS #12      SHA-1 with triple DES (RFC 7292, B.2 and C): older programs
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from entrakit.certificates.reading.der import INTEGER, OCTETS, OID, SEQUENCE, children, content

PBES2 = "2a864886f70d01050d"
PKCS12_TRIPLE_DES = "2a864886f70d010c0103"
# Content of the identifiers, in hexadecimal; of the ciphers, the size of the key.
_AES = {"608648016503040102": 16, "608648016503040116": 24, "60864801650304012a": 32}
_TRIPLE_DES = "2a864886f70d0307"
_SHA1 = "2a864886f70d0207"
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    _SHA1: hashes.SHA1,
    "2a864886f70d0209": hashes.SHA256,
    "2a864886f70d020a": hashes.SHA384,
    "2a864886f70d020b": hashes.SHA512,
}
# The block of SHA-1 and the length of its digest.
_BLOCK, _DIGEST = 64, 20


def decrypted(algorithm: bytes, data: bytes, password: bytes) -> bytes:
    """Return decrypted data.

    Args:
        algorithm: The AlgorithmIdentifier, in DER.
        data: Encrypted data.
        password: Password in UTF-8.

    Raises:
        ValueError: The algorithm is not supported, or the password is wrong.
    """
    kind, parameters = children(algorithm, SEQUENCE)
    if _name(kind) == PBES2:
        cipher = _pbes2(parameters, password)
    elif _name(kind) == PKCS12_TRIPLE_DES:
        salt, count = children(parameters, SEQUENCE)
        derive = (password.decode().encode("utf-16-be") + b"\0\0", content(salt, OCTETS), _number(count))
        cipher = Cipher(TripleDES(_pkcs12_key(*derive, 1, 24)), CBC(_pkcs12_key(*derive, 2, 8)))
    else:
        raise ValueError("unsupported encryption")
    decryptor, unpadder = cipher.decryptor(), PKCS7(len(cipher.mode.initialization_vector) * 8).unpadder()
    plain = decryptor.update(data) + decryptor.finalize()
    return unpadder.update(plain) + unpadder.finalize()


def _pbes2(parameters: bytes, password: bytes) -> Cipher[CBC]:
    derivation, encryption = children(parameters, SEQUENCE)
    _, parameters = children(derivation, SEQUENCE)
    salt, count, *more = children(parameters, SEQUENCE)
    function = next((_name(next(children(one, SEQUENCE))) for one in more if one[:1] == SEQUENCE), _SHA1)
    kind, vector = children(encryption, SEQUENCE)
    name = _name(kind)
    size = 24 if name == _TRIPLE_DES else _AES.get(name)
    if function not in _HASHES or size is None:
        raise ValueError("unsupported encryption")
    key = PBKDF2HMAC(_HASHES[function](), size, content(salt, OCTETS), _number(count)).derive(password)
    return Cipher(TripleDES(key) if name == _TRIPLE_DES else AES(key), CBC(content(vector, OCTETS)))


def _pkcs12_key(password: bytes, salt: bytes, count: int, purpose: int, size: int) -> bytes:
    """Return a key or an initialization vector (RFC 7292, B.2).

    Args:
        password: Password in UTF-16, with its final zero.
        salt: The salt.
        count: Iterations.
        purpose: 1 for a key, 2 for an initialization vector.
        size: Length of the result in bytes.
    """
    import hashlib

    inputs = b"".join((one * (_BLOCK // len(one) + 1))[: -(-len(one) // _BLOCK) * _BLOCK] for one in (salt, password))
    result = b""
    while len(result) < size:
        block = bytes([purpose]) * _BLOCK + inputs
        for _ in range(count):
            block = hashlib.sha1(block, usedforsecurity=False).digest()
        result += block
        addend = int.from_bytes((block * (_BLOCK // _DIGEST + 1))[:_BLOCK], "big") + 1
        inputs = b"".join(
            ((int.from_bytes(inputs[at : at + _BLOCK], "big") + addend) % 2 ** (8 * _BLOCK)).to_bytes(_BLOCK, "big")
            for at in range(0, len(inputs), _BLOCK)
        )
    return result[:size]


def _name(identifier: bytes) -> str:
    return content(identifier, OID).hex()


def _number(value: bytes) -> int:
    return int.from_bytes(content(value, INTEGER), "big")
