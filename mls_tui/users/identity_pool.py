"""AWS credentials of a signed-in user, from a Cognito identity pool: scoped to the user, renewed as they expire."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mls_tui.users.cognito_calls import IDENTITY_REFUSALS, called
from mls_tui.users.session import Session


class IdentityPool:
    """AWS credentials for a signed-in user. ``client`` is a boto3 ``cognito-identity`` client."""

    def __init__(self, client: Any, identity_pool_id: str, user_pool_id: str) -> None:
        self._client = client
        self._pool_id = identity_pool_id
        region = user_pool_id.split("_", 1)[0]
        self._region = region
        self._provider = f"cognito-idp.{region}.amazonaws.com/{user_pool_id}"

    def identity_id(self, id_token: str) -> str:
        """The id that IAM policies know as ``${cognito-identity.amazonaws.com:sub}``."""
        answer = called(
            IDENTITY_REFUSALS, self._client.get_id, IdentityPoolId=self._pool_id, Logins={self._provider: id_token}
        )
        return str(answer["IdentityId"])

    def boto3_session(self, login: Callable[[], Session]) -> Any:
        """A boto3 session whose credentials are asked for anew as they expire; ``login`` gives a live session."""
        import boto3
        from botocore.credentials import RefreshableCredentials
        from botocore.session import get_session

        def fetch() -> dict[str, str]:
            session = login()
            logins = {self._provider: session.id_token}
            found = called(
                IDENTITY_REFUSALS, self._client.get_credentials_for_identity, IdentityId=session.user_id, Logins=logins
            )
            credentials = found["Credentials"]
            expiry: datetime = credentials["Expiration"]
            return {
                "access_key": credentials["AccessKeyId"],
                "secret_key": credentials["SecretKey"],
                "token": credentials["SessionToken"],
                "expiry_time": expiry.astimezone(UTC).isoformat(),
            }

        core: Any = get_session()
        core._credentials = RefreshableCredentials.create_from_metadata(fetch(), fetch, "cognito-identity")
        # As everywhere, AWS's own variables name the region; where they are silent, it is that of the pool.
        region = os.environ.get("AWS_REGION") or core.get_config_variable("region") or self._region
        return boto3.Session(botocore_session=core, region_name=region)
