"""Faults in how secrets are kept, where they may come to stand, and who is let in."""

from __future__ import annotations

from tests.promises.breaks.breaks import Break

_REST, _NOWHERE, _SIGN_IN = "secrets at rest", "secrets nowhere else", "sign-in"
_MOVED = "unit/test_secrets.py::test_a_ciphertext_moved_to_another_row_fails"
_KEY_FILE = "unit/test_secrets.py::test_the_key_file_is_for_its_owner_alone_and_warned_of_once"
_NO_COMMAND = "promises/test_secrets_nowhere.py::test_no_command_writes_or_prints_a_secret"
_NO_SCREEN = "promises/test_secrets_on_screen.py::test_no_screen_and_no_picture_of_one_shows_a_secret"
_FILES = "promises/test_secrets_in_files.py"
_EXPORTS, _WORKERS = "test_no_export_of_any_format_holds_a_secret", "test_workers_tell_each_other_no_secret"
_PROCESS = "promises/test_secrets_in_the_process.py::test_a_running_import_shows_no_secret_to_its_machine"
_ON_A_TERMINAL = "e2e/cli/test_cli_sign_in.py::test_a_first_sign_in_chooses_a_password_and_lasts_until_sign_out"
_COGNITO, _POOL = "unit/test_users_cognito.py", "unit/test_users_cognito_pool.py"
_KNOWS = "test_who_knows_the_password_is_signed_in_and_it_never_leaves_this_process"
_AFTER_SIGN_OUT = "test_after_sign_out_a_kept_copy_of_the_session_renews_nothing"
_BOUND = "json.dumps([VERSION, user, connection, field])"

GUARDING: tuple[Break, ...] = (
    Break(_REST, "no user in the ciphertext", "users/secrets.py", _BOUND, _BOUND.replace("user, ", ""), (_MOVED,)),
    Break(_REST, "no connection in it", "users/secrets.py", _BOUND, _BOUND.replace("connection, ", ""), (_MOVED,)),
    Break(_REST, "no field in it", "users/secrets.py", _BOUND, _BOUND.replace(", field", ""), (_MOVED,)),
    Break(
        _REST,
        "others may read the key file",
        "users/keys.py",
        "KeyRing(new_key()).to_text().encode(), mode=PRIVATE_FILE)",
        "KeyRing(new_key()).to_text().encode())",
        (_KEY_FILE,),
    ),
    Break(
        _REST,
        "nobody is told of the key file",
        "users/keys.py",
        "                self._warn()\n",
        "                pass\n",
        (
            _KEY_FILE,
            _ON_A_TERMINAL,
            "ui/test_log_screen.py::test_a_key_that_is_put_into_a_file_is_warned_of_once_in_sight",
        ),
    ),
    Break(
        _REST,
        "a sign-in that makes the key file says nothing",
        "users/cognito.py",
        "session_file(settings, on_warning), identity)",
        "session_file(settings), identity)",
        (_ON_A_TERMINAL,),
    ),
    Break(
        _REST,
        "the keyring is passed over",
        "users/secrets.py",
        "    if not used and (not needed or settings.key_path.exists()):\n",
        "    if not used:\n",
        ("unit/test_secrets_places.py::test_the_keyring_is_preferred_to_a_file_and_no_key_touches_the_disk",),
    ),
    Break(
        _REST,
        "KMS keys are not bound to their user",
        "users/kms.py",
        '{"application": "mls-tui", "user": user_id}',
        '{"application": "mls-tui"}',
        ("unit/test_secrets_places.py::test_the_encryption_context_keeps_other_users_out",),
    ),
    Break(
        _REST,
        "a session lies in the clear",
        "users/session.py",
        "self._vault.encrypt(json.dumps(asdict(session)), **self._place)",
        "json.dumps(asdict(session))",
        (f"{_COGNITO}::test_no_token_stands_in_the_clear_on_disk_or_in_a_repr",),
    ),
    Break(
        _NOWHERE,
        "what the MLS repeats is kept",
        "mls/http.py",
        "without_echoes(await _off_loop(raw.body), raw.body, self._mask)",
        "await _off_loop(raw.body)",
        (_NO_COMMAND, _NO_SCREEN, _PROCESS, f"{_FILES}::{_EXPORTS}", f"{_FILES}::{_WORKERS}"),
    ),
    Break(
        _NOWHERE,
        "a photo's path is kept with the token",
        "importer/photos.py",
        "url, original = photo.url, masked(photo.original_url)",
        "url, original = photo.url, photo.original_url",
        (_NO_COMMAND,),
    ),
    Break(
        _NOWHERE,
        "a record is put aside with the token in an address",
        "importer/handlers.py",
        "raw = self.context.connector.masked(verdict.raw)",
        "raw = verdict.raw",
        (_NO_COMMAND,),
    ),
    Break(
        _NOWHERE,
        "an unforeseen error is told in its own words",
        "domain/errors.py",
        "if first_line else type(error).__name__\n",
        'if first_line else f"{type(error).__name__}: {text}"\n',
        (
            "promises/test_secrets_on_screen.py::test_an_unforeseen_error_shows_its_kind_and_not_its_words",
            "promises/test_secrets_nowhere.py::test_an_unforeseen_error_that_holds_a_secret_shows_it_nowhere",
        ),
    ),
    Break(
        _NOWHERE,
        "the log masks nothing",
        "logs.py",
        "self._short(self._redactor.value(value))",
        "self._short(value)",
        ("promises/test_secrets_nowhere.py::test_an_unforeseen_error_that_holds_a_secret_shows_it_nowhere",),
    ),
    Break(
        _NOWHERE,
        "a secret shows while it is typed",
        "screens/connection_form.py",
        "password=field.secret,",
        "password=False,",
        ("promises/test_secrets_on_screen.py::test_what_is_typed_into_a_secrets_field_is_not_shown",),
    ),
    Break(
        _SIGN_IN,
        "the rotated refresh token is lost",
        "users/cognito.py",
        'tokens.get("RefreshToken", session.refresh_token)',
        "session.refresh_token",
        (
            f"{_COGNITO}::test_tokens_near_their_end_are_renewed_and_the_rotated_refresh_token_is_kept",
            f"{_POOL}::test_each_renewal_uses_the_refresh_token_that_the_one_before_it_brought",
        ),
    ),
    Break(
        _SIGN_IN,
        "the proof leaves out who it is for",
        "users/srp.py",
        'parameters["USER_ID_FOR_SRP"], int',
        '"", int',
        (f"{_POOL}::{_KNOWS}", _ON_A_TERMINAL),
    ),
    Break(
        _SIGN_IN,
        "a question that is no longer open is told as a wrong password",
        "users/cognito_calls.py",
        'if "session" in message.lower()',
        "if False",
        (f"{_POOL}::test_a_question_that_is_no_longer_open_is_not_told_as_a_wrong_password",),
    ),
    Break(
        _SIGN_IN,
        "a screen that asked too long ago goes on asking",
        "screens/sign_in.py",
        "                await self._begin_again()\n",
        "                pass\n",
        ("e2e/test_sign_in_screen.py::test_an_answer_that_comes_too_late_leads_back_to_name_and_password",),
    ),
    Break(
        _SIGN_IN,
        "sign-out revokes nothing",
        "users/cognito.py",
        "called(POOL_REFUSALS, self._pool.revoke_token, Token=session.refresh_token, ClientId=self._client_id)",
        "pass",
        (f"{_COGNITO}::test_sign_out_forgets_here_and_revokes_there", f"{_POOL}::{_AFTER_SIGN_OUT}"),
    ),
    Break(
        _SIGN_IN,
        "numbers are hashed without their sign",
        "users/srp.py",
        "number.bit_length() // 8 + 1",
        "(number.bit_length() + 7) // 8",
        ("unit/test_users_srp.py::test_the_claim_is_that_of_another_implementation",),
    ),
    Break(
        _SIGN_IN,
        "a client with a secret is told as a wrong password",
        "users/cognito_calls.py",
        'if "secret" in message.lower():',
        "if False:",
        (f"{_COGNITO}::test_an_app_client_with_a_secret_is_named_as_the_cause_and_not_the_password",),
    ),
    Break(
        _SIGN_IN,
        "AWS_REGION is not asked",
        "users/identity_pool.py",
        'os.environ.get("AWS_REGION") or core',
        "core",
        ("unit/test_users_identity_pool.py::test_the_region_is_that_of_awss_variables_and_else_of_the_pool",),
    ),
    Break(
        _SIGN_IN,
        "nobody is somebody",
        "users/port.py",
        '        raise AuthenticationError("Authentication required")\n    return user',
        '        return User("local")\n    return user',
        (_ON_A_TERMINAL, "unit/test_users_local.py::test_after_sign_out_authentication_is_required_until_sign_in"),
    ),
)
