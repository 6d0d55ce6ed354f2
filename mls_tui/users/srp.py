"""Cognito's Secure Remote Password: the 3072-bit group of RFC 5054, with Amazon's key derivation. Pure.

The only public description is AuthenticationHelper in Amazon's amazon-cognito-identity-js.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def padded(number: int) -> bytes:
    """Big-endian two's complement: a zero byte comes first if the first bit is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def digest(*parts: bytes) -> int:
    """SHA-256 of the parts as a number."""
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


K = digest(padded(N), padded(G))


def private_key(salt: int, pool_name: str, user_id: str, password: str) -> int:
    """x of RFC 5054, from the password. ``pool_name`` is the pool's id without its region."""
    identity = hashlib.sha256(f"{pool_name}{user_id}:{password}".encode()).digest()
    return digest(padded(salt), identity)


def session_key(shared: int, scramble: int) -> bytes:
    """16 bytes by HKDF from S (``shared``) and u (``scramble``) of RFC 5054."""
    pseudo_random = hmac.digest(padded(scramble), padded(shared), "sha256")
    return hmac.digest(pseudo_random, b"Caldera Derived Key\x01", "sha256")[:16]


def timestamp(moment: datetime) -> str:
    """``Mon Jun 1 09:05:00 UTC 2026``, in English whatever the locale."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day} {month} {moment.day} {moment:%H:%M:%S} UTC {moment.year}"


class SrpClient:
    """One sign-in: send ``public`` as SRP_A, answer PASSWORD_VERIFIER with ``claim``."""

    def __init__(self, pool_id: str, password: str, secret: int | None = None) -> None:
        self._pool_name = pool_id.split("_", 1)[-1]
        self._password = password
        self._secret = secrets.randbits(1024) if secret is None else secret
        self._public = pow(G, self._secret, N)

    @property
    def public(self) -> str:
        """A, in hex."""
        return f"{self._public:x}"

    def claim(self, parameters: Mapping[str, str], moment: datetime) -> dict[str, str]:
        """The answer to Cognito's PASSWORD_VERIFIER challenge at this moment (UTC).

        Raises:
            ValueError: the server's numbers are not allowed by RFC 5054, section 2.5.3.
        """
        user_id, server_public = parameters["USER_ID_FOR_SRP"], int(parameters["SRP_B"], 16)
        scramble = digest(padded(self._public), padded(server_public))
        if server_public % N == 0 or scramble == 0:
            raise ValueError("the server's SRP numbers are not safe")
        x = private_key(int(parameters["SALT"], 16), self._pool_name, user_id, self._password)
        shared = pow(server_public - K * pow(G, x, N), self._secret + scramble * x, N)
        stamp = timestamp(moment)
        block = base64.b64decode(parameters["SECRET_BLOCK"])
        message = self._pool_name.encode() + user_id.encode() + block + stamp.encode()
        signature = hmac.digest(session_key(shared, scramble), message, "sha256")
        return {
            "TIMESTAMP": stamp,
            "USERNAME": parameters.get("USERNAME", user_id),
            "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signature).decode(),
        }
