"""Users of a Cognito user pool: sign-in by SRP, challenges, token renewal, sign-out, and AWS credentials.

SRP does not send the password.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError, StorageError, UsageError
from mls_tui.users.base import Challenge, ChallengeKind, ChallengeOverError, User
from mls_tui.users.session import Session, SessionFile, claims
from mls_tui.users.srp import SrpClient
from mls_tui.vault.secrets import TextCallback, open_vault

if TYPE_CHECKING:
    from mls_tui.config import Settings

RENEW_SECONDS = 300
"""Tokens that expire sooner than this are renewed before they are used."""

_CHALLENGES: dict[ChallengeKind, tuple[str, str, bool]] = {
    ChallengeKind.NEW_PASSWORD: ("NEW_PASSWORD", "A new password is required", True),
    ChallengeKind.TOTP: ("SOFTWARE_TOKEN_MFA_CODE", "The code of your authenticator app", False),
    ChallengeKind.SMS: ("SMS_MFA_CODE", "The code sent to your phone", False),
}
_SESSION_OVER_CODES = ("NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException")

_WRONG_CREDENTIALS = "the name or the password is wrong, or the account is disabled"
_TOO_OFTEN = "too many attempts, wait a moment"
_POOL_REFUSALS = {
    "NotAuthorizedException": _WRONG_CREDENTIALS,
    "UserNotFoundException": _WRONG_CREDENTIALS,
    "CodeMismatchException": "the code is wrong",
    "ExpiredCodeException": "the code has expired",
    "InvalidPasswordException": "the new password does not satisfy the pool's rules",
    "PasswordHistoryPolicyViolationException": "the new password was used before",
    "UserNotConfirmedException": "the account is not confirmed yet",
    "PasswordResetRequiredException": "the password has to be reset first",
    "TooManyRequestsException": _TOO_OFTEN,
    "LimitExceededException": _TOO_OFTEN,
    "ResourceNotFoundException": "there is no such app client: check MLS_TUI_USER_POOL_CLIENT_ID",
}
_IDENTITY_REFUSALS = {
    "NotAuthorizedException": "the identity pool does not accept sign-ins of this user pool: check "
    "MLS_TUI_IDENTITY_POOL_ID and its identity providers",
    "ResourceNotFoundException": "there is no such identity pool: check MLS_TUI_IDENTITY_POOL_ID",
    "InvalidIdentityPoolConfigurationException": "the identity pool has no role for signed-in users",
    "TooManyRequestsException": _TOO_OFTEN,
}
_EXPIRED_SESSION = "it took too long, or was answered already: begin the sign-in again"
_NO_PUBLIC_CLIENT = (
    "the app client has a client secret, which no program on a user's own machine can keep. Make an app client without "
    "one and put its id in MLS_TUI_USER_POOL_CLIENT_ID"
)


class CognitoUsers:
    """The UserSource of a user pool. ``pool`` is a boto3 ``cognito-idp`` client.

    With ``identity``, a user's id and AWS credentials come from the identity pool; else the id is the pool's ``sub``.
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
            _POOL_REFUSALS,
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
            raise AuthenticationError(
                "Cognito's answer to the sign-in cannot be trusted; nothing was sent. Check MLS_TUI_USER_POOL_ID, and "
                "that nothing stands between this machine and AWS."
            ) from None
        answer = self._answer_challenge("PASSWORD_VERIFIER", first.get("Session"), claim)
        return self._user_or_challenge(answer, parameters.get("USERNAME", username))

    def answer(self, challenge: Challenge, text: str) -> User | Challenge:
        field = _CHALLENGES[challenge.kind][0]
        responses = {"USERNAME": challenge.username, field: text}
        try:
            answer = self._answer_challenge(challenge.kind.value, challenge.session, responses)
        except CognitoError as error:
            if error.code == "NotAuthorizedException":
                raise ChallengeOverError(str(error)) from None
            raise
        return self._user_or_challenge(answer, challenge.username)

    def sign_out(self) -> None:
        """Delete the session here first, then revoke it: without a network the user is signed out here all the same."""
        session = self._sessions.load()
        self._sessions.clear()
        if session is not None:
            try:
                _call(_POOL_REFUSALS, self._pool.revoke_token, Token=session.refresh_token, ClientId=self._client_id)
            except CognitoError as error:
                if error.code not in _SESSION_OVER_CODES:
                    raise AuthenticationError(
                        f"Signed out here, but Cognito did not revoke the session ({error.code})."
                    ) from None
            except StorageError as error:
                raise StorageError(
                    f"Signed out here, but the session was not revoked: {error}", retryable=error.retryable
                ) from None

    def session(self) -> Session | None:
        """The session, renewed if its tokens expire within RENEW_SECONDS. None if nobody is signed in."""
        with self._lock:
            session = self._sessions.load()
            if session is None or session.expires_at - self._now() > RENEW_SECONDS:
                return session
            try:
                return self._renewed(session)
            except (CognitoError, StorageError) as error:
                if isinstance(error, CognitoError) and error.code in _SESSION_OVER_CODES:
                    return self._after_refusal(session)
                if session.expires_at > self._now():
                    return session
                raise

    def boto3_session(self) -> Any:
        """A session with the user's credentials of the identity pool; without one, with the machine's own."""
        from mls_tui.storage.aws import default_session

        if self._identity is None:
            return default_session()
        return self._identity.boto3_session(self._live_session)

    def _live_session(self) -> Session:
        session = self.session()
        if session is None:
            raise AuthenticationError("Authentication required")
        return session

    def _renewed(self, session: Session) -> Session:
        """Renew the tokens and store them at once: with rotation the old refresh token is no longer valid."""
        answer = _call(
            _POOL_REFUSALS,
            self._pool.get_tokens_from_refresh_token,
            RefreshToken=session.refresh_token,
            ClientId=self._client_id,
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
        """The session that another process has renewed meanwhile; else None, and the session is deleted."""
        stored = self._sessions.load()
        if stored is not None and stored.refresh_token != refused.refresh_token:
            return stored
        self._sessions.clear()
        return None

    def _user_or_challenge(self, answer: dict[str, Any], username: str) -> User | Challenge:
        name = answer.get("ChallengeName")
        if name is None:
            return self._signed_in(answer["AuthenticationResult"], username)
        if name not in [kind.value for kind in ChallengeKind]:
            raise AuthenticationError(
                f"Cognito asks for {name}, which this program cannot answer: ask whoever runs the user pool to let you "
                "sign in with a password, or with a password and a code."
            )
        kind = ChallengeKind(name)
        parameters = answer.get("ChallengeParameters", {})
        if kind is ChallengeKind.NEW_PASSWORD and (missing := _attribute_names(parameters.get("requiredAttributes"))):
            raise AuthenticationError(
                f"Cognito wants more than a new password at the first sign-in ({missing}): ask whoever runs the user "
                "pool to fill that in."
            )
        known = parameters.get("USER_ID_FOR_SRP", username)
        _, prompt, hidden = _CHALLENGES[kind]
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

    def _answer_challenge(self, challenge: str, session: str | None, responses: dict[str, str]) -> Any:
        extra = {"Session": session} if session else {}
        return _call(
            _POOL_REFUSALS,
            self._pool.respond_to_auth_challenge,
            ClientId=self._client_id,
            ChallengeName=challenge,
            ChallengeResponses=responses,
            **extra,
        )

    def _now(self) -> float:
        return self._clock.now().timestamp()


def open_cognito(settings: Settings, on_warning: TextCallback | None = None) -> CognitoUsers:
    """The users of these settings. The session is encrypted with a key of this machine, as KMS would need the session
    first.

    ``on_warning`` is called with a sentence if saving a session creates the file of keys.
    """
    from botocore.exceptions import BotoCoreError

    from mls_tui.storage.aws import new_client

    pool_id, client_id = settings.user_pool_id or "", settings.user_pool_client_id or ""
    region = pool_id.split("_", 1)[0]
    try:
        pool = new_client("cognito-idp", region=region)
        identity = None
        if settings.identity_pool_id:
            identities = new_client("cognito-identity", region=region)
            identity = IdentityPool(identities, settings.identity_pool_id, pool_id)
    except BotoCoreError as error:
        raise UsageError(f"AWS's own settings cannot be used: {error}. Check AWS_PROFILE and ~/.aws/config.") from None
    return CognitoUsers(pool, pool_id, client_id, session_file(settings, on_warning), identity)


def session_file(settings: Settings, on_warning: TextCallback | None = None) -> SessionFile:
    """The file in which the session of these settings is stored."""
    vault = open_vault(replace(settings, kms_key_id=None), on_warning=on_warning)
    return SessionFile(settings.session_path, vault, settings.user_pool_client_id or "")


def reseal_session(settings: Settings) -> int:
    """Encrypt the stored session again with the current key; returns how many there were."""
    kept = session_file(settings)
    session = kept.load() if settings.user_pool_id else None
    if session is None:
        return 0
    kept.save(session)
    return 1


def _attribute_names(listed: str | None) -> str:
    """``["userAttributes.email"]`` as ``email``; empty if nothing is listed."""
    try:
        names = json.loads(listed or "[]")
    except ValueError:
        return ""
    return ", ".join(str(name).removeprefix("userAttributes.") for name in names) if isinstance(names, list) else ""


class IdentityPool:
    """AWS credentials for a signed-in user. ``client`` is a boto3 ``cognito-identity`` client."""

    def __init__(self, client: Any, identity_pool_id: str, user_pool_id: str) -> None:
        self._client = client
        self._pool_id = identity_pool_id
        region = user_pool_id.split("_", 1)[0]
        self._region = region
        self._provider = f"cognito-idp.{region}.amazonaws.com/{user_pool_id}"

    def identity_id(self, id_token: str) -> str:
        """The identity id: ``${cognito-identity.amazonaws.com:sub}`` in IAM policies."""
        answer = _call(
            _IDENTITY_REFUSALS, self._client.get_id, IdentityPoolId=self._pool_id, Logins={self._provider: id_token}
        )
        return str(answer["IdentityId"])

    def boto3_session(self, login: Callable[[], Session]) -> Any:
        """A boto3 session whose credentials are renewed before they expire; ``login`` returns a session that has
        not."""
        from mls_tui.storage.aws import renewing_session

        def fetch() -> dict[str, str]:
            session = login()
            logins = {self._provider: session.id_token}
            found = _call(
                _IDENTITY_REFUSALS, self._client.get_credentials_for_identity, IdentityId=session.user_id, Logins=logins
            )
            credentials = found["Credentials"]
            expiry: datetime = credentials["Expiration"]
            return {
                "access_key": credentials["AccessKeyId"],
                "secret_key": credentials["SecretKey"],
                "token": credentials["SessionToken"],
                "expiry_time": expiry.astimezone(UTC).isoformat(),
            }

        return renewing_session(fetch, self._region)


class CognitoError(AuthenticationError):
    """Cognito refused; ``code`` is AWS's error code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"Cognito refused the sign-in: {why}.")
        self.code = code


def _call(refusals: Mapping[str, str], operation: Callable[..., Any], **arguments: Any) -> Any:
    """Call AWS; errors do not contain what was sent.

    Raises:
        CognitoError: AWS refused; ``refusals`` has a sentence for each error code.
        StorageError: AWS could not be reached; retryable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return operation(**arguments)
    except ClientError as error:
        said = error.response.get("Error", {})
        code = said.get("Code", "unknown error")
        raise CognitoError(
            code, _reason_in_message(code, str(said.get("Message", ""))) or refusals.get(code, code)
        ) from None
    except BotoCoreError as error:
        raise StorageError(
            f"Cognito could not be reached ({type(error).__name__}): check the network and the pool's region.",
            retryable=True,
        ) from None


def _reason_in_message(code: str, message: str) -> str | None:
    """The reasons that have the code of a wrong password and differ only in the message: "Unable to verify secret hash
    for client …" and "Invalid session for the user, session is expired."."""
    if code != "NotAuthorizedException":
        return None
    if "secret" in message.lower():
        return _NO_PUBLIC_CLIENT
    return _EXPIRED_SESSION if "session" in message.lower() else None
