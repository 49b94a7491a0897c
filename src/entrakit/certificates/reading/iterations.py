"""Iteration counts of password protection, read before anything is decrypted.

    PBKDF2, PBES1, PBES2, PBMAC1     RFC 8018: salt, iteration count
    scrypt                           RFC 7914, 7: salt, cost, block size, parallelization
    PKCS #12                         RFC 7292, 4 and C: salt, iterations

Deriving a key can't be interrupted, and the library keeps the interpreter locked meanwhile. A file of a few bytes with
2^31 iterations would stop the whole process for an hour.
"""

from __future__ import annotations

from math import prod

from entrakit.certificates.reading.der import (
    INTEGER,
    OCTETS,
    OID,
    SEQUENCE,
    TooDeepError,
    children,
    content,
    definite,
)

MAX_ITERATIONS = 10_000_000
MAX_PARTS = 4

# 1.2.840.113549.1.5, 1.2.840.113549.1.12.1 and 1.3.6.1.4.1.11591.4.11.
_KDF = tuple(bytes.fromhex(oid) for oid in ("2a864886f70d0105", "2a864886f70d010c01", "2b06010401da47040b"))


class TooManyIterationsError(ValueError):
    """The password protection takes too long.

    Args:
        count: The iteration count.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(str(count))


def check_iterations(data: bytes) -> None:
    """Check the iteration counts of a PFX file or an encrypted private key.

    Raises:
        TooManyIterationsError: A count is higher than `MAX_ITERATIONS`.
        ValueError: The content is malformed.
    """
    count = iterations(data)
    if count > MAX_ITERATIONS:
        raise TooManyIterationsError(count)


def iterations(data: bytes) -> int:
    """Return the highest iteration count in a PFX file or an encrypted private key; 0 if there is none.

    A PFX file has one for its MAC and one for each encrypted part, usually two. If their sum is more than `MAX_PARTS`
    times the maximum, it is returned instead.

    Args:
        data: Content of the file, in DER or BER.

    Raises:
        ValueError: The content is malformed.
    """
    counts = [0]
    pending = [(definite(data), 0)]
    while pending:
        value, depth = pending.pop()
        if value[:1] == OCTETS:
            try:
                pending.append((definite(content(value, OCTETS)), depth))
            except TooDeepError:
                raise
            except ValueError:
                continue  # a salt, or encrypted data
        elif value[0] & 0x20:
            parts = list(children(value, value[:1]))
            counts.append(_count(value[:1], parts, is_inside_pfx=depth == 1))
            pending += [(part, depth + 1) for part in parts]
    highest, total = max(counts), sum(counts)
    return total if highest <= MAX_ITERATIONS and total > MAX_PARTS * MAX_ITERATIONS else highest


def _count(tag: bytes, parts: list[bytes], *, is_inside_pfx: bool) -> int:
    """Return the iteration count that a value contains itself; 0 if it contains none."""
    if tag != SEQUENCE or len(parts) < 2:
        return 0
    if parts[0][:1] == OID and content(parts[0], OID).startswith(_KDF) and parts[1][:1] == SEQUENCE:
        return _after_salt(list(children(parts[1], SEQUENCE)))
    # MacData ::= SEQUENCE { mac DigestInfo, macSalt OCTET STRING, iterations INTEGER DEFAULT 1 }
    return _after_salt(parts[1:]) if is_inside_pfx and parts[0][:1] == SEQUENCE else 0


def _after_salt(parts: list[bytes]) -> int:
    """Return the iteration count after a salt; of scrypt's three numbers, the product."""
    if not parts or parts[0][:1] != OCTETS:
        return 0
    numbers = [int.from_bytes(content(part, INTEGER), "big") for part in parts[1:4] if part[:1] == INTEGER]
    return prod(numbers) if len(numbers) == 3 else numbers[0] if numbers else 0
