"""A certificate authority that lives for a test, and a server's certificate of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: the CA's certificate, and a server's key and certificate, which is for `localhost`."""

    authority: Path
    key: Path
    certificate: Path

    @classmethod
    def made_in(cls, folder: Path) -> Self:
        """Make all three in a folder."""
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _name("Tests' CA")
        root = _begun(authority, authority, authority_key.public_key())
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(
            key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        root = root.add_extension(usage, critical=True)
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        leaf = _begun(_name("localhost"), authority, key.public_key())
        leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        leaf = leaf.add_extension(issuer_id, critical=False)
        made = cls(folder / "ca.pem", folder / "key.pem", folder / "certificate.pem")
        for path, builder in ((made.authority, root), (made.certificate, leaf)):
            signed = builder.sign(authority_key, hashes.SHA256())
            path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return made


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    begun = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    begun = begun.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return begun.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
