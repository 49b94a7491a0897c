"""Certificates on PKCS#11 tokens: smart cards, HSMs and TPMs, which sign themselves (extra `pkcs11`).

Each signature opens a session, logs in, signs and closes the session. A token can therefore be removed and inserted
again at any time, and no session stays logged in. A wrong PIN is not tried again, because tokens count wrong PINs.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from entrakit.certificates import Certificate
from entrakit.certificates.public_keys import SALT_SIZE, not_rsa
from entrakit.certificates.stores.store import StoreItem
from entrakit.errors import CertificateError, CertificatePasswordError
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pkcs11
    from pkcs11._pkcs11 import lib as Library  # noqa: N812 - a class with a lower-case name

    from entrakit.certificates.stores.pkcs11_modules import Module
    from entrakit.certificates.stores.pkcs11_uri import Pkcs11Uri
    from entrakit.secret import Secret

# CK_TOKEN_INFO flags (PKCS#11 2.40, 3.2).
LOGIN_REQUIRED, INITIALIZED, COUNT_LOW, FINAL_TRY, LOCKED = 0x4, 0x400, 0x10000, 0x20000, 0x40000
# Module, token, and hash of each PIN that was wrong.
_wrong_pins: set[tuple[str, str, str]] = set()
# One thread at a time uses a module (PKCS#11 2.40, 5.4: C_Initialize without locking functions).
LOCK = RLock()


class TokenStore(NamedTuple):
    """The tokens of a PKCS#11 module.

    Args:
        module: The module.
        uri: URI that selects tokens and objects.
        pin: PIN of the token; None if none was given.
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
        """`user`: a token belongs to the user who knows its PIN."""
        return "user"

    @property
    def name(self) -> str:
        """Name of the module for messages."""
        return f"the tokens of {self.module.path}"

    def contents(self) -> Iterator[StoreItem]:
        """Yield the certificates of all matching tokens, each with the key that has the same id.

        The PIN is sent only to a token that the URI names, and only if the token shows no certificate without it.
        """
        with LOCK:
            items = self._items()
        yield from items

    def _items(self) -> list[StoreItem]:
        try:
            tokens = [(slot, token) for slot in slots_of(self.module) for token in (_token_of(slot),) if token]
        except CertificateError as error:
            return [StoreItem(self.name, None, error.problem)]
        items: list[StoreItem] = []
        for slot, token in tokens:
            if not self.uri.matches(_attributes(token, slot)):
                continue
            try:
                some = self._certificates_of(token, None)
                if not some and self.pin and self.uri.attributes.keys() & {"token", "serial"}:
                    some = self._certificates_of(token, self.pin)
                items += some
            except CertificateError as error:
                items.append(StoreItem(_place(token), None, f"{_place(token)}: {error.problem}"))
        return items

    def _certificates_of(self, token: pkcs11.Token, pin: Secret | None) -> list[StoreItem]:
        from pkcs11 import Attribute, ObjectClass

        items = []
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
                    problem = f"{_subject(token)} contains a certificate that can't be read."
                    items.append(StoreItem(_place(token), None, problem))
                elif self.uri.matches({"object": label}) and self.uri.object_id in (None, key_id):
                    place = f"{label if label.isprintable() and label else key_id.hex()} on {_place(token)}"
                    # Without its PIN, a token can hide all keys. Then nothing is known about them.
                    if keys and key_id not in keys:
                        items.append(StoreItem(place, None, f"{place} has no private key."))
                    else:
                        exportable = keys.get(key_id)
                        item = self._item(token, place, der, key_id)
                        items.append(item._replace(is_exportable=exportable if isinstance(exportable, bool) else None))
        return items

    def _item(self, token: pkcs11.Token, place: str, der: bytes, key_id: bytes) -> StoreItem:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.x509 import InvalidVersion

        from entrakit.certificates.reading.lenient import load_certificate

        try:
            x509 = load_certificate(der)
            signer = TokenKey(self.module, bytes(token.serial), str(token.label), key_id, self.pin)
            return StoreItem(place, Certificate(x509, signer))
        except CertificateError as error:
            return StoreItem(place, None, f"{place} can't be used: {error.problem}")
        except (ValueError, TypeError, InvalidVersion, UnsupportedAlgorithm):
            return StoreItem(place, None, f"{place} can't be used: it is damaged.")


class TokenKey(NamedTuple):
    """An RSA key on a token, as a signer.

    Args:
        module: PKCS#11 module of the token.
        serial: Serial number of the token.
        label: Label of the token.
        key_id: `CKA_ID` of the key.
        pin: PIN of the token; None if none was given.
    """

    module: Module
    serial: bytes
    label: str
    key_id: bytes
    pin: Secret | None

    def __repr__(self) -> str:
        return f"TokenKey({self.label!r}, {self.key_id.hex()!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature that the token makes of a message.

        Raises:
            CertificatePasswordError: The token requires its PIN, and none was given.
            CertificateError: The token is missing or locked, the PIN is wrong, or the key can't make such signatures.
        """
        with LOCK:
            return self._sign(message)

    def _sign(self, message: bytes) -> bytes:
        import pkcs11
        from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass

        token = self._token()
        template = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: self.key_id}
        with session_of(self.module, token, self.pin, signs=True) as session:
            key = next(iter(session.get_objects(template)), None)
            if not isinstance(key, pkcs11.types.SignMixin):
                raise CertificateError(
                    f"The key {self.key_id.hex()} is not on {_place(token)}, or the token hides it without the PIN.",
                    remedy="Give the PIN with `certificate_password`, or name its source with pin-source in the URI.",
                )
            if key.key_type != KeyType.RSA:
                raise not_rsa(key, f"The key on {_place(token)}")
            pss = (Mechanism.SHA256, MGF.SHA256, SALT_SIZE)
            hashed = hashlib.sha256(message).digest()
            ways = ((Mechanism.SHA256_RSA_PKCS_PSS, message), (Mechanism.RSA_PKCS_PSS, hashed))
            for mechanism, data in ways:
                try:
                    return bytes(key.sign(data, mechanism=mechanism, mechanism_param=pss))
                except (pkcs11.exceptions.MechanismInvalid, pkcs11.exceptions.FunctionNotSupported):
                    continue
        raise CertificateError(
            f"{_subject(token)} can't make PS256 signatures (RSA-PSS), which Microsoft Entra requires.",
            remedy="Use a token and a module with the mechanism CKM_RSA_PKCS_PSS.",
        )

    def _token(self) -> pkcs11.Token:
        for slot in slots_of(self.module):
            token = _token_of(slot)
            if token is not None and (bytes(token.serial), str(token.label)) == (self.serial, self.label):
                return token
        raise CertificateError(
            f"The token {self.label!r} is missing.",
            remedy="Insert the token, or start the service that provides it, then try again.",
        )


def load(module: Module) -> Library:
    """Load a module, and return it. Its list of slots is read again.

    Raises:
        CertificateError: The extra `pkcs11` is not installed, or the module can't be loaded.
    """
    try:
        import pkcs11
    except ImportError as error:
        raise CertificateError(
            "Certificates on tokens require the extra pkcs11.", remedy="Type `pip install 'entrakit[pkcs11]'`."
        ) from error
    try:
        return pkcs11.lib(module.path)
    except (RuntimeError, pkcs11.exceptions.PKCS11Error) as error:
        raise CertificateError(
            f"The PKCS#11 module {module.path} can't be loaded: {str(error) or type(error).__name__}.",
            remedy="Check the configuration of the module, or name another one with `pkcs11_module`.",
        ) from error


def slots_of(module: Module) -> list[pkcs11.Slot]:
    """Return the slots of a module that contain a token.

    Raises:
        CertificateError: The module can't be loaded, or does not list its slots.
    """
    library = load(module)
    import pkcs11

    try:
        return list(library.get_slots(token_present=True))
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError) as error:
        raise CertificateError(
            f"The PKCS#11 module {module.path} can't list its tokens: {type(error).__name__}.",
            remedy="Check the tokens with the tools of their vendor.",
        ) from error


@contextmanager
def session_of(
    module: Module, token: pkcs11.Token, pin: Secret | None, *, signs: bool = False
) -> Iterator[pkcs11.Session]:
    """Open a session on a token, logged in if a PIN is given.

    Args:
        module: The module.
        token: The token.
        pin: PIN of the token; None to see only what the token shows without it.
        signs: Whether the session uses a private key. A token can require its PIN for that.

    Raises:
        CertificatePasswordError: The PIN is required, and none was given.
        CertificateError: The PIN is wrong or locked, or the token failed.
    """
    import pkcs11

    if signs and not pin and token.flags & LOGIN_REQUIRED:
        raise CertificatePasswordError(
            f"{_subject(token)} requires its PIN.",
            remedy="Give the PIN as password (`certificate_password=…`), or name a file with pin-source in the URI.",
        )
    attempt = (module.path, bytes(token.serial).hex(), hashlib.sha256(pin.reveal().encode()).hexdigest() if pin else "")
    if attempt in _wrong_pins:
        raise _wrong_pin(token, "was wrong before and is not tried again")
    try:
        with _logged_in(token, pin) as session:
            yield session
    except pkcs11.exceptions.PinLocked as error:
        raise CertificateError(
            f"The PIN of {_place(token)} is locked.",
            remedy="Unlock it with the tools of the token's vendor (PUK, SO PIN).",
        ) from error
    except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinInvalid, pkcs11.exceptions.PinLenRange) as error:
        _wrong_pins.add(attempt)
        raise _wrong_pin(token, "is wrong") from error
    except pkcs11.exceptions.UserPinNotInitialized as error:
        raise CertificateError(
            f"{_subject(token)} has no PIN yet.", remedy="Set the PIN with the tools of the token's vendor."
        ) from error
    except (pkcs11.exceptions.DeviceRemoved, pkcs11.exceptions.TokenNotPresent) as error:
        raise CertificateError(f"{_subject(token)} was removed.", remedy="Insert the token, then try again.") from error
    except (pkcs11.exceptions.SessionClosed, pkcs11.exceptions.SessionHandleInvalid) as error:
        raise CertificateError(f"The session with {_place(token)} was lost.", remedy="Try again.") from error
    except pkcs11.exceptions.PKCS11Error as error:
        raise CertificateError(
            f"{_subject(token)} failed: {type(error).__name__}.",
            remedy="Check the token with the tools of its vendor, then try again.",
        ) from error


@contextmanager
def _logged_in(token: pkcs11.Token, pin: Secret | None) -> Iterator[pkcs11.Session]:
    import pkcs11

    try:
        session = token.open(user_pin=pin.reveal()) if pin else token.open()
    except (pkcs11.exceptions.UserAlreadyLoggedIn, pkcs11.exceptions.AnotherUserAlreadyLoggedIn):
        # Another thread is logged in. A login is valid for the whole process.
        session = token.open()
    with session:
        yield session


def _wrong_pin(token: pkcs11.Token, what: str) -> CertificateError:
    # The flags of the open token are from before the attempt.
    newest = _token_of(token.slot)
    flags = int((newest or token).flags)
    left = "the token is locked now" if flags & LOCKED else "one attempt is left" if flags & FINAL_TRY else ""
    left = left or ("few attempts are left" if flags & COUNT_LOW else "further attempts are left")
    return CertificateError(
        f"The PIN of {_place(token)} {what}; {left}.",
        remedy="Unlock it with the tools of the token's vendor." if flags & LOCKED else "Give the correct PIN.",
    )


def _token_of(slot: pkcs11.Slot) -> pkcs11.Token | None:
    import pkcs11

    try:
        token = slot.get_token()
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError):
        return None
    return token if token.flags & INITIALIZED else None


def _attribute(one: pkcs11.Object, name: pkcs11.Attribute) -> object:
    """Return an attribute of an object; None if the attribute is missing or can't be read."""
    import pkcs11

    try:
        return one[name]
    except (pkcs11.exceptions.PKCS11Error, UnicodeDecodeError):
        return None


def _attributes(token: pkcs11.Token, slot: pkcs11.Slot) -> dict[str, str]:
    """Return the attributes of a token and its slot that a URI can name."""
    return {
        "token": str(token.label),
        "serial": bytes(token.serial).decode("utf-8", "replace"),
        "manufacturer": str(token.manufacturer_id),
        "model": str(token.model),
        "slot-id": str(slot.slot_id),
        "slot-description": str(slot.slot_description),
        "slot-manufacturer": str(slot.manufacturer_id),
    }


def _place(token: pkcs11.Token) -> str:
    return f"the token {escaped(str(token.label))!r}"


def _subject(token: pkcs11.Token) -> str:
    """Return the place of a token for the beginning of a sentence."""
    return f"The token {escaped(str(token.label))!r}"
