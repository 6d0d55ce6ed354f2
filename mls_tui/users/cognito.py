"""Users of a Cognito user pool: SRP sign-in, challenges, renewal with rotation, sign-out that revokes, AWS credentials.

The password never leaves this process, and no token ever stands in an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError, StorageError
from mls_tui.users.port import Challenge, ChallengeKind, User
from mls_tui.users.session import Session, SessionFile, claims
from mls_tui.users.srp import SrpClient

if TYPE_CHECKING:
    from mls_tui.config import Settings

RENEW_SECONDS = 300
"""Tokens with less time than this are renewed before they are used."""

_QUESTIONS: dict[ChallengeKind, tuple[str, str, bool]] = {
    ChallengeKind.NEW_PASSWORD: ("NEW_PASSWORD", "A new password is required", True),
    ChallengeKind.TOTP: ("SOFTWARE_TOKEN_MFA_CODE", "The code of your authenticator app", False),
    ChallengeKind.SMS: ("SMS_MFA_CODE", "The code sent to your phone", False),
}
_SIGNED_OUT = ("NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException")
_REFUSALS = {
    "NotAuthorizedException": "the name or the password is wrong, or the account is disabled",
    "UserNotFoundException": "the name or the password is wrong, or the account is disabled",
    "CodeMismatchException": "the code is wrong",
    "ExpiredCodeException": "the code has expired",
    "InvalidPasswordException": "the new password does not satisfy the pool's rules",
    "UserNotConfirmedException": "the account is not confirmed yet",
    "PasswordResetRequiredException": "the password has to be reset first",
    "TooManyRequestsException": "too many attempts, wait a moment",
    "LimitExceededException": "too many attempts, wait a moment",
    "ResourceNotFoundException": "there is no such app client: check MLS_TUI_USER_POOL_CLIENT_ID",
}


class CognitoError(AuthenticationError):
    """Cognito refused; ``code`` is AWS's error code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Cognito refused the sign-in: {_REFUSALS.get(code, code)}.")
        self.code = code


class CognitoUsers:
    """A UserSource over a user pool. ``pool`` is a boto3 ``cognito-idp`` client; needs no AWS credentials.

    ``identity`` gives identity-pool credentials and ids; without it a user is known by the pool's ``sub``.
    """

    def __init__(
        self,
        pool: Any,
        pool_id: str,
        client_id: str,
        sessions: SessionFile,
        identity: IdentityPool | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._pool = pool
        self._pool_id = pool_id
        self._client_id = client_id
        self._sessions = sessions
        self._identity = identity
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()

    def needs_password(self) -> bool:
        return True

    def current(self) -> User | None:
        session = self.session()
        return None if session is None else User(session.user_id, session.name)

    def sign_in(self, username: str, password: str) -> User | Challenge:
        srp = SrpClient(self._pool_id, password)
        first = _call(
            self._pool.initiate_auth,
            AuthFlow="USER_SRP_AUTH",
            ClientId=self._client_id,
            AuthParameters={"USERNAME": username, "SRP_A": srp.public},
        )
        if first.get("ChallengeName") != "PASSWORD_VERIFIER":
            raise AuthenticationError("Cognito did not offer SRP: allow ALLOW_USER_SRP_AUTH for the app client.")
        parameters = first["ChallengeParameters"]
        try:
            claim = srp.claim(parameters, self._clock.now())
        except ValueError:
            raise AuthenticationError("Cognito's answer to the sign-in cannot be trusted; nothing was sent.") from None
        answer = self._respond("PASSWORD_VERIFIER", first.get("Session"), claim)
        return self._next(answer, parameters.get("USERNAME", username))

    def answer(self, challenge: Challenge, text: str) -> User | Challenge:
        field = _QUESTIONS[challenge.kind][0]
        responses = {"USERNAME": challenge.username, field: text}
        return self._next(self._respond(challenge.kind.value, challenge.session, responses), challenge.username)

    def sign_out(self) -> None:
        """Forget first, then revoke: whatever the network does, nobody is signed in here any more."""
        session = self._sessions.load()
        self._sessions.clear()
        if session is not None:
            try:
                _call(self._pool.revoke_token, Token=session.refresh_token, ClientId=self._client_id)
            except CognitoError as error:
                if error.code not in _SIGNED_OUT:
                    raise AuthenticationError(
                        f"Signed out here, but Cognito did not revoke the session ({error.code})."
                    ) from None

    def session(self) -> Session | None:
        """The session with tokens good for a while yet; renewed and kept where due. None: nobody is signed in."""
        with self._lock:
            session = self._sessions.load()
            if session is None or session.expires_at - self._now() > RENEW_SECONDS:
                return session
            try:
                return self._renewed(session)
            except CognitoError as error:
                if error.code not in _SIGNED_OUT:
                    raise
            except StorageError:
                if session.expires_at > self._now():
                    return session
                raise
            return self._after_refusal(session)

    def boto3_session(self) -> Any:
        """Credentials of the identity pool, scoped to the user and renewed by themselves; else the machine's own."""
        import boto3

        if self._identity is None:
            return boto3.Session()
        return self._identity.boto3_session(self._login)

    def _login(self) -> Session:
        session = self.session()
        if session is None:
            raise AuthenticationError("Authentication required")
        return session

    def _renewed(self, session: Session) -> Session:
        """GetTokensFromRefreshToken; with rotation the old refresh token is dead, so the new one is kept at once."""
        answer = _call(
            self._pool.get_tokens_from_refresh_token, RefreshToken=session.refresh_token, ClientId=self._client_id
        )
        tokens = answer["AuthenticationResult"]
        fresh = replace(
            session,
            id_token=tokens["IdToken"],
            access_token=tokens["AccessToken"],
            refresh_token=tokens.get("RefreshToken", session.refresh_token),
            expires_at=self._now() + tokens["ExpiresIn"],
        )
        self._sessions.save(fresh)
        return fresh

    def _after_refusal(self, refused: Session) -> Session | None:
        """Another process may have renewed the session a moment ago; else it is over."""
        stored = self._sessions.load()
        if stored is not None and stored.refresh_token != refused.refresh_token:
            return stored
        self._sessions.clear()
        return None

    def _next(self, answer: dict[str, Any], username: str) -> User | Challenge:
        name = answer.get("ChallengeName")
        if name is None:
            return self._signed_in(answer["AuthenticationResult"], username)
        if name not in [kind.value for kind in ChallengeKind]:
            raise AuthenticationError(f"Cognito asks for {name}, which this program cannot answer yet.")
        kind = ChallengeKind(name)
        known = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP", username)
        _, prompt, hidden = _QUESTIONS[kind]
        return Challenge(kind, prompt, hidden, known, answer.get("Session", ""))

    def _signed_in(self, tokens: dict[str, Any], username: str) -> User:
        known = claims(tokens["IdToken"])
        user_id = self._identity.identity_id(tokens["IdToken"]) if self._identity else known.get("sub")
        if not user_id:
            raise AuthenticationError("Cognito's token does not say who signed in.")
        name = known.get("email") or known.get("cognito:username") or username
        session = Session(
            user_id=user_id,
            name=name,
            id_token=tokens["IdToken"],
            access_token=tokens["AccessToken"],
            refresh_token=tokens["RefreshToken"],
            expires_at=self._now() + tokens["ExpiresIn"],
        )
        self._sessions.save(session)
        return User(user_id, name)

    def _respond(self, challenge: str, session: str | None, responses: dict[str, str]) -> Any:
        extra = {"Session": session} if session else {}
        return _call(
            self._pool.respond_to_auth_challenge,
            ClientId=self._client_id,
            ChallengeName=challenge,
            ChallengeResponses=responses,
            **extra,
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


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
        answer = _call(self._client.get_id, IdentityPoolId=self._pool_id, Logins={self._provider: id_token})
        return str(answer["IdentityId"])

    def boto3_session(self, login: Callable[[], Session]) -> Any:
        """A boto3 session whose credentials are asked for anew as they expire; ``login`` gives a live session."""
        import boto3
        from botocore.credentials import RefreshableCredentials
        from botocore.session import get_session

        def fetch() -> dict[str, str]:
            session = login()
            logins = {self._provider: session.id_token}
            found = _call(self._client.get_credentials_for_identity, IdentityId=session.user_id, Logins=logins)
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
        if core.get_config_variable("region") is None:
            core.set_config_variable("region", self._region)
        return boto3.Session(botocore_session=core)


def open_cognito(settings: Settings) -> CognitoUsers:
    """From the settings; the session is encrypted with a key of this machine (KMS would need the session first)."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    from mls_tui.users.secrets import open_vault

    pool_id, client_id = settings.user_pool_id or "", settings.user_pool_client_id or ""
    config = Config(signature_version=UNSIGNED, connect_timeout=5, read_timeout=15, retries={"mode": "standard"})
    options: dict[str, Any] = {"region_name": pool_id.split("_", 1)[0], "config": config}
    session: Any = boto3.Session()
    sessions = SessionFile(settings.session_path, open_vault(replace(settings, kms_key_id=None)), client_id)
    identity = None
    if settings.identity_pool_id:
        client = session.client("cognito-identity", **options)
        identity = IdentityPool(client, settings.identity_pool_id, pool_id)
    return CognitoUsers(session.client("cognito-idp", **options), pool_id, client_id, sessions, identity)


def _call(operation: Callable[..., Any], **arguments: Any) -> Any:
    """One call of AWS; its errors without what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return operation(**arguments)
    except ClientError as error:
        raise CognitoError(error.response.get("Error", {}).get("Code", "unknown error")) from None
    except BotoCoreError as error:
        raise StorageError(
            f"Cognito could not be reached ({type(error).__name__}): check the network and the pool's region.",
            retryable=True,
        ) from None
