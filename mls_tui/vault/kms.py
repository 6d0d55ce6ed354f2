"""Data keys that an AWS KMS key encrypts. Each ciphertext contains its encrypted data key, so that every machine can
decrypt it. Clear data keys are kept in memory only.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Protocol

from mls_tui.domain.errors import SecretError
from mls_tui.storage.base import Check
from mls_tui.vault.keys import DataKey

KEY_ID_PREFIX = "kms-"


class KeyService(Protocol):
    """The operations of KMS that are used. ``KmsService`` calls them; tests replace it."""

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        """A new data key: (clear, wrapped)."""
        ...

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes: ...

    def describe(self) -> str: ...


class KmsService:
    """KMS through boto3. ``client`` is a ``kms`` client; its errors become SecretError sentences."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        answer = self._call("generate_data_key", KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=context)
        return answer["Plaintext"], answer["CiphertextBlob"]

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        answer = self._call("decrypt", KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=context)
        plaintext: bytes = answer["Plaintext"]
        return plaintext

    def describe(self) -> str:
        return f"the KMS key {self._key_id}"

    def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            hint = "check the key's id, its region and your rights to kms:GenerateDataKey and kms:Decrypt"
            raise SecretError(f"{self.describe()} refused {operation} ({code}): {hint}.") from None
        except BotoCoreError as error:
            raise SecretError(
                f"{self.describe()} could not be reached ({type(error).__name__}): check the network, AWS_REGION and "
                "the AWS credentials."
            ) from None


class KmsKeys:
    """A KeySource with keys from KMS. The encryption context binds each data key to one user."""

    def __init__(self, service: KeyService, user_id: str) -> None:
        self.place = service.describe()
        self._service = service
        self._context = {"application": "mls-tui", "user": user_id}
        self._current: DataKey | None = None
        self._known: dict[str, DataKey] = {}

    def current(self) -> DataKey:
        if self._current is None:
            clear, wrapped = self._service.generate(self._context)
            key_id = KEY_ID_PREFIX + base64.urlsafe_b64encode(wrapped).decode().rstrip("=")
            self._current = self._known[key_id] = DataKey(key_id, clear)
        return self._current

    def find(self, key_id: str) -> DataKey | None:
        if not key_id.startswith(KEY_ID_PREFIX):
            return None
        if key_id not in self._known:
            text = key_id.removeprefix(KEY_ID_PREFIX)
            try:
                wrapped = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            except (binascii.Error, ValueError):
                return None
            self._known[key_id] = DataKey(key_id, self._service.unwrap(wrapped, self._context))
        return self._known[key_id]

    def rotate(self) -> DataKey:
        """A new data key; the KMS key itself is rotated in AWS."""
        self._current = None
        return self.current()

    def check(self) -> Check:
        try:
            self.current()
        except SecretError as error:
            return Check("secret key", "failure", str(error), "Allow the use of the key, or unset MLS_TUI_KMS_KEY_ID.")
        return Check("secret key", "ok", f"wrapped by {self.place}")
