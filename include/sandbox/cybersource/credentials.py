"""The keys of the sandbox's merchants: invented, derived from names, and worth nothing."""

import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

PORTFOLIO = "acme_portfolio"
_KEY_ID = "6d75ffad-ed36-4b2f-9f5a-sandbox0000"
_MERCHANTS = ("acme_us", "acme_uk", "acme_jp")


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key id and what it signs for: one merchant, or every merchant of a portfolio."""

    owner: str
    secret: bytes
    merchants: tuple[str, ...]


def secret_of(owner: str) -> bytes:
    return hashlib.sha256(f"tieout-sandbox-{owner}".encode()).digest()


def key_id(owner: str) -> str:
    """Return the key id: the merchants' end in 1, 2, 3, the portfolio's in 9."""
    number = 9 if owner == PORTFOLIO else _MERCHANTS.index(owner) + 1
    return _KEY_ID[:-1] + str(number)


class Keyring:
    """Which keys open what; certificates are added while the sandbox runs."""

    def __init__(self) -> None:
        self._shared = {
            key_id(name): SharedKey(name, secret_of(name), (name,)) for name in _MERCHANTS
        }
        everything = SharedKey(PORTFOLIO, secret_of(PORTFOLIO), _MERCHANTS)
        self._shared[key_id(PORTFOLIO)] = everything
        self._certificates: dict[str, tuple[str, rsa.RSAPublicKey]] = {}
        self._lock = threading.Lock()

    def shared(self, name: str) -> SharedKey | None:
        return self._shared.get(name)

    def certificate(self, name: str) -> tuple[str, rsa.RSAPublicKey] | None:
        """Return (merchant, public key) of a certificate by its subject's serialNumber."""
        return self._certificates.get(name)

    def register(self, merchant: str, certificate: x509.Certificate) -> str:
        """Accept a certificate for a merchant; return its key id."""
        found = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        public = certificate.public_key()
        if not found or not isinstance(public, rsa.RSAPublicKey):
            raise ValueError("an RSA certificate with a serialNumber in its subject is needed")
        name = str(found[0].value)
        with self._lock:
            self._certificates[name] = (merchant, public)
        return name

    def make_p12(self, merchant: str, passphrase: str) -> bytes:
        """Make a key and certificate for a merchant, accept it, return the P12 file."""
        if merchant not in _MERCHANTS:
            raise ValueError(f"no merchant {merchant!r} in the sandbox")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        number = f"7{_MERCHANTS.index(merchant) + 1}{int(datetime.now(UTC).timestamp()):020d}"
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, merchant),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, number),
            ]
        )
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365 * 3))
            .sign(key, hashes.SHA256())
        )
        self.register(merchant, certificate)
        lock = BestAvailableEncryption(passphrase.encode())
        return pkcs12.serialize_key_and_certificates(
            merchant.encode(), key, certificate, None, lock
        )
