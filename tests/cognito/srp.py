"""The server's half of SRP-6a as Cognito does it, written from RFC 3526, RFC 5869 and the hex strings of Amazon's
AuthenticationHelper: nothing of our client's code or numbers, so that both must be right to agree."""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def _pi(bits: int) -> int:
    """π · 2^bits, cut off, by Machin's formula."""
    one = 1 << bits + 64

    def arctan_of_inverse(x: int) -> int:
        term = total = one // x
        divisor, sign = 3, -1
        while term := term // (x * x):
            total += sign * (term // divisor)
            divisor, sign = divisor + 2, -sign
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> 64


N = 2**3072 - 2**3008 - 1 + 2**64 * (_pi(2942) + 1_690_314)
"""RFC 3526, group 15 (3072 bits), by the formula that defines it."""
G = 2


def padded(number: int) -> str:
    """Hex of even length whose first bit is no sign: ``padHex`` of AuthenticationHelper."""
    plain = f"{number:x}"
    if len(plain) % 2:
        plain = f"0{plain}"
    return f"00{plain}" if plain[0] in "89abcdef" else plain


def hashed(hexes: str) -> int:
    return int(hashlib.sha256(bytes.fromhex(hexes)).hexdigest(), 16)


K = hashed(padded(N) + padded(G))


def verifier(pool_id: str, username: str, password: str, salt: int) -> int:
    """What a pool keeps instead of the password."""
    named = f"{pool_id.split('_')[1]}{username}:{password}"
    return pow(G, hashed(padded(salt) + hashlib.sha256(named.encode()).hexdigest()), N)


class Handshake:
    """One sign-in at the server. ``parameters`` are its PASSWORD_VERIFIER challenge, ``secret`` is b.

    Raises:
        ValueError: the client's A is not safe; SRP-6a refuses a multiple of N.
    """

    def __init__(
        self, pool_id: str, username: str, kept: tuple[int, int], client_public: int, secret: int | None = None
    ) -> None:
        if client_public % N == 0:
            raise ValueError("A is a multiple of N")
        self._pool_name, self._username = pool_id.split("_")[1], username
        self._salt, self._verifier = kept
        self._client_public = client_public
        self._secret = secrets.randbits(1024) if secret is None else secret
        self._public = (K * self._verifier + pow(G, self._secret, N)) % N
        self.block = base64.b64encode(secrets.token_bytes(1200)).decode()

    def parameters(self) -> dict[str, str]:
        return {
            "USERNAME": self._username,
            "USER_ID_FOR_SRP": self._username,
            "SALT": f"{self._salt:x}",
            "SRP_B": f"{self._public:x}",
            "SECRET_BLOCK": self.block,
        }

    def accepts(self, signature: str, timestamp: str) -> bool:
        """Whether who signed this block at this time knows the password."""
        scramble = hashed(padded(self._client_public) + padded(self._public))
        shared = pow(self._client_public * pow(self._verifier, scramble, N), self._secret, N)
        salt, material = bytes.fromhex(padded(scramble)), bytes.fromhex(padded(shared))
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Caldera Derived Key").derive(material)
        proof = HMAC(key, hashes.SHA256())
        for part in (self._pool_name, self._username, base64.b64decode(self.block), timestamp):
            proof.update(part if isinstance(part, bytes) else part.encode())
        return secrets.compare_digest(base64.b64encode(proof.finalize()).decode(), signature)
