"""Certificates on PKCS#11 tokens: smart cards, HSMs, TPMs. Their keys sign where they are (extra `pkcs11`).

Each signature opens a session, logs in, signs and closes it again: a token that was taken out, or put in anew, is no
special case, and nothing is left logged in. A PIN that was wrong is not tried again, because tokens count.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from threading import RLock
from typing import NamedTuple

from entrakit.certificates import Certificate
from entrakit.certificates.signers.software import not_rsa
from entrakit.certificates.stores.store import Found
from entrakit.errors import CertificateError, CertificatePasswordError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    import pkcs11
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class, whatever its case

    from entrakit.certificates.stores.pkcs11_modules import Module
    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.secret import Secret

# CK_TOKEN_INFO flags (PKCS#11 2.40, 3.2).
LOGIN_REQUIRED, INITIALIZED, COUNT_LOW, FINAL_TRY, LOCKED = 0x4, 0x400, 0x10000, 0x20000, 0x40000
_wrong: set[tuple[str, str, str]] = set()
# Modules are loaded for one thread at a time (PKCS#11 2.40, 5.4: C_Initialize without locking functions).
LOCK = RLock()


class TokenStore(NamedTuple):
    """The tokens of one PKCS#11 module.

    Args:
        module: The module.
        uri: Which tokens and objects; what it leaves out fits everything.
        pin: Opens the token; None if none was given.
    """

    module: Module
    uri: Pkcs11Uri
    pin: Secret | None = None

    def __repr__(self) -> str:
        return f"TokenStore({self.module.path!r})"

    @property
    def kind(self) -> str:
        """`pkcs11`."""
        return "pkcs11"

    @property
    def scope(self) -> str:
        """`user`: a token belongs to who has its PIN."""
        return "user"

    @property
    def name(self) -> str:
        """The module, for people."""
        return f"the tokens of {self.module.path}"

    def contents(self) -> Iterator[Found]:
        """Return the certificates of all tokens that fit, each with the key of the same id.

        The PIN goes only to a token that the URI names, and that shows no certificate without it.
        """
        with LOCK:
            found = self._all()
        yield from found

    def _all(self) -> list[Found]:
        try:
            tokens = [(slot, token) for slot in slots_of(self.module) for token in (_token_of(slot),) if token]
        except CertificateError as error:
            return [Found(self.name, None, error.problem)]
        found: list[Found] = []
        for slot, token in tokens:
            if not self.uri.fits(_attributes(token, slot)):
                continue
            try:
                seen = self._certificates_of(token, None)
                if not seen and self.pin and self.uri.attributes.keys() & {"token", "serial"}:
                    seen = self._certificates_of(token, self.pin)
                found += seen
            except CertificateError as error:
                found.append(Found(_place(token), None, f"{_place(token)}: {error.problem}"))
        return found

    def _certificates_of(self, token: pkcs11.Token, pin: Secret | None) -> list[Found]:
        from pkcs11 import Attribute, ObjectClass

        found = []
        with session_of(self.module, token, pin) as session:
            keys: dict[object, object] = {}
            for kind in (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY):
                for key in session.get_objects({Attribute.CLASS: kind}):
                    is_private = kind == ObjectClass.PRIVATE_KEY
                    keys[_attribute(key, Attribute.ID)] = _attribute(key, Attribute.EXTRACTABLE) if is_private else None
            for one in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
                label, key_id = str(_attribute(one, Attribute.LABEL) or ""), _attribute(one, Attribute.ID)
                der = _attribute(one, Attribute.VALUE)
                if not isinstance(key_id, bytes) or not isinstance(der, bytes):
                    found.append(Found(_place(token), None, f"{_place(token)} has a certificate that can't be read."))
                elif self.uri.fits({"object": label}) and self.uri.object_id in (None, key_id):
                    place = f"{label if label.isprintable() and label else key_id.hex()} on {_place(token)}"
                    # A token may show no key at all without its PIN; then nothing is known of any.
                    if keys and key_id not in keys:
                        found.append(Found(place, None, f"{place} has no private key."))
                    else:
                        leaves = keys.get(key_id)
                        seen = self._found(token, place, der, key_id)
                        found.append(seen._replace(is_exportable=leaves if isinstance(leaves, bool) else None))
        return found

    def _found(self, token: pkcs11.Token, place: str, der: bytes, key_id: bytes) -> Found:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.x509 import InvalidVersion, load_der_x509_certificate

        try:
            x509 = load_der_x509_certificate(der)
            signer = TokenKey(self.module, bytes(token.serial), str(token.label), key_id, self.pin)
            return Found(place, Certificate(x509, signer))
        except CertificateError as error:
            return Found(place, None, f"{place} can't be used: {error.problem}")
        except (ValueError, TypeError, InvalidVersion, UnsupportedAlgorithm):
            return Found(place, None, f"{place} can't be used: it is damaged.")


class TokenKey(NamedTuple):
    """An RSA key on a token.

    Args:
        module: The module that reaches the token.
        serial: The token's serial number.
        label: The token's label.
        key_id: The key's `CKA_ID`.
        pin: Opens the token; None if none was given.
    """

    module: Module
    serial: bytes
    label: str
    key_id: bytes
    pin: Secret | None

    def __repr__(self) -> str:
        return f"TokenKey({self.label!r}, {self.key_id.hex()!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message, made on the token.

        Raises:
            CertificatePasswordError: The token needs its PIN, and none was given.
            CertificateError: The token is gone or locked, the PIN is wrong, or the key can't sign like this.
        """
        with LOCK:
            return self._sign(message)

    def _sign(self, message: bytes) -> bytes:
        import pkcs11
        from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

        token = self._token()
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: self.key_id}
        with session_of(self.module, token, self.pin, signs=True) as session:
            key = next(iter(session.get_objects(wanted)), None)
            if not isinstance(key, pkcs11.types.SignMixin):
                raise CertificateError(
                    f"The key {self.key_id.hex()} is not on {_place(token)}, or shows with its PIN only.",
                    remedy="Give the PIN as the certificate's password, or name it with pin-source in the URI.",
                )
            if key.key_type != KeyType.RSA:
                raise not_rsa(key, f"The key on {_place(token)}")
            pss = (Mechanism.SHA256, MGF.SHA256, 32)
            hashed = hashlib.sha256(message).digest()
            ways = ((Mechanism.SHA256_RSA_PKCS_PSS, message), (Mechanism.RSA_PKCS_PSS, hashed))
            for mechanism, data in ways:
                try:
                    return bytes(key.sign(data, mechanism=mechanism, mechanism_param=pss))
                except (pkcs11.exceptions.MechanismInvalid, pkcs11.exceptions.FunctionNotSupported):
                    continue
        raise CertificateError(
            f"{_place(token)} can't make PS256 signatures (RSA-PSS), which Microsoft Entra needs.",
            remedy="Use a token or a module with the mechanism CKM_RSA_PKCS_PSS.",
        )

    def _token(self) -> pkcs11.Token:
        for slot in slots_of(self.module):
            token = _token_of(slot)
            if token is not None and (bytes(token.serial), str(token.label)) == (self.serial, self.label):
                return token
        raise CertificateError(
            f"The token {self.label!r} is not there.", remedy="Put it in, or start what reaches it, then try again."
        )


def load(module: Module) -> Library:
    """Return a module, loaded; its list of slots is read anew.

    Raises:
        CertificateError: The extra `pkcs11` is not installed, or the module does not load.
    """
    try:
        import pkcs11
    except ImportError as error:
        raise CertificateError(
            "Certificates on tokens need the extra pkcs11.", remedy="Type `pip install 'entrakit[pkcs11]'`."
        ) from error
    try:
        return pkcs11.lib(module.path)
    except (RuntimeError, pkcs11.exceptions.PKCS11Error) as error:
        raise CertificateError(
            f"The PKCS#11 module {module.path} does not load: {str(error) or type(error).__name__}.",
            remedy="Check the module's own configuration, or name another one with `pkcs11_module`.",
        ) from error


def slots_of(module: Module) -> list[pkcs11.Slot]:
    """Return the slots of a module that have a token. Raises CertificateError."""
    library = load(module)
    import pkcs11

    try:
        return list(library.get_slots(token_present=True))
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError) as error:
        raise CertificateError(
            f"The PKCS#11 module {module.path} lists no tokens: {type(error).__name__}.",
            remedy="Look at it with the token's own tools.",
        ) from error


@contextmanager
def session_of(
    module: Module, token: pkcs11.Token, pin: Secret | None, *, signs: bool = False
) -> Iterator[pkcs11.Session]:
    """Give a session on a token, logged in if there is a PIN.

    Args:
        module: The module.
        token: The token.
        pin: Opens it; None to look at what shows without.
        signs: Whether a key is to be used, for which a token may need its PIN.

    Raises:
        CertificatePasswordError: A PIN is needed and there is none.
        CertificateError: The PIN is wrong or locked, or the token failed.
    """
    import pkcs11

    if signs and not pin and token.flags & LOGIN_REQUIRED:
        raise CertificatePasswordError(
            f"{_place(token)} needs its PIN.",
            remedy="Give it as the password (`certificate_password=…`), or name a file with pin-source in the URI.",
        )
    used = (module.path, bytes(token.serial).hex(), hashlib.sha256(pin.reveal().encode()).hexdigest() if pin else "")
    if used in _wrong:
        raise _wrong_pin(token, "was wrong before, and is not tried again")
    try:
        with _logged_in(token, pin) as session:
            yield session
    except pkcs11.exceptions.PinLocked as error:
        raise CertificateError(
            f"The PIN of {_place(token)} is locked.", remedy="Unlock it with the token's own tools (PUK, SO PIN)."
        ) from error
    except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinInvalid, pkcs11.exceptions.PinLenRange) as error:
        _wrong.add(used)
        raise _wrong_pin(token, "is wrong") from error
    except pkcs11.exceptions.UserPinNotInitialized as error:
        raise CertificateError(
            f"{_place(token)} has no PIN yet.", remedy="Set it with the token's own tools."
        ) from error
    except (pkcs11.exceptions.DeviceRemoved, pkcs11.exceptions.TokenNotPresent) as error:
        raise CertificateError(f"{_place(token)} was taken out.", remedy="Put it in, then try again.") from error
    except (pkcs11.exceptions.SessionClosed, pkcs11.exceptions.SessionHandleInvalid) as error:
        raise CertificateError(f"The session with {_place(token)} was lost.", remedy="Try again.") from error
    except pkcs11.exceptions.PKCS11Error as error:
        raise CertificateError(
            f"{_place(token)} failed: {type(error).__name__}.", remedy="Look at it with its own tools, then try again."
        ) from error


@contextmanager
def _logged_in(token: pkcs11.Token, pin: Secret | None) -> Iterator[pkcs11.Session]:
    import pkcs11

    try:
        session = token.open(user_pin=pin.reveal()) if pin else token.open()
    except (pkcs11.exceptions.UserAlreadyLoggedIn, pkcs11.exceptions.AnotherUserAlreadyLoggedIn):
        # Another thread is logged in, and that counts for the whole process.
        session = token.open()
    with session:
        yield session


def _wrong_pin(token: pkcs11.Token, how: str) -> CertificateError:
    # What the token said when it was opened is from before the attempt.
    newest = _token_of(token.slot)
    flags = int((newest or token).flags)
    left = "it is locked now" if flags & LOCKED else "one try is left" if flags & FINAL_TRY else ""
    left = left or ("few tries are left" if flags & COUNT_LOW else "tries are left")
    return CertificateError(
        f"The PIN of {_place(token)} {how}; {left}.",
        remedy="Unlock it with the token's own tools." if flags & LOCKED else "Give the right one.",
    )


def _token_of(slot: pkcs11.Slot) -> pkcs11.Token | None:
    import pkcs11

    try:
        token = slot.get_token()
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError):
        return None
    return token if token.flags & INITIALIZED else None


def _attribute(one: pkcs11.Object, name: pkcs11.Attribute) -> object:
    """Return an attribute of an object; None if it has none, or none that can be read."""
    import pkcs11

    try:
        return one[name]
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError):
        return None


def _attributes(token: pkcs11.Token, slot: pkcs11.Slot) -> dict[str, str]:
    """Return what a URI can name of a token and its slot."""
    return {
        "token": str(token.label), "serial": bytes(token.serial).decode("utf-8", "replace"),
        "manufacturer": str(token.manufacturer_id), "model": str(token.model),
        "slot-id": str(slot.slot_id), "slot-description": str(slot.slot_description),
        "slot-manufacturer": str(slot.manufacturer_id),
    }  # fmt: skip


def _place(token: pkcs11.Token) -> str:
    label = str(token.label)
    return f"the token {label if label.isprintable() else ascii(label)!r}"
