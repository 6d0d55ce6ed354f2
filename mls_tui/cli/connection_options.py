"""The options that ``connections add`` and ``edit`` share. A secret is read from the variable that an option names, or
from a prompt; it is never an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from mls_tui import actions
from mls_tui.cli.running import data_of, fail, json_option, with_workspace
from mls_tui.domain.connection import AuthKind

_AUTHS = click.Choice([kind.value for kind in AuthKind])
_SECRETS = {
    "token_env": ("access_token", "--token-env"),
    "refresh_token_env": ("refresh_token", "--refresh-token-env"),
    "client_secret_env": ("client_secret", "--client-secret-env"),
    "password_env": ("password", "--password-env"),
}
_ASKED = {
    AuthKind.BEARER: ("access_token", "Access token"),
    AuthKind.CLIENT_CREDENTIALS: ("client_secret", "Client secret"),
    AuthKind.PASSWORD: ("password", "Password"),
    AuthKind.REFRESH_TOKEN: ("refresh_token", "Refresh token"),
}
_OPTIONS = (
    click.option("--base-url", metavar="URL", help="Address of the OData service, where the preset has none."),
    click.option("--token-env", metavar="VAR", help="Variable that holds the access token."),
    click.option("--refresh-token-env", metavar="VAR", help="Variable that holds a refresh token."),
    click.option("--client-id", metavar="ID", help="OAuth2 client id."),
    click.option("--client-secret-env", metavar="VAR", help="Variable that holds the client secret."),
    click.option("--token-url", metavar="URL", help="OAuth2 token endpoint."),
    click.option("--scope", metavar="TEXT", help="OAuth2 scope."),
    click.option("--username", metavar="NAME", help="User name, for signing in by password."),
    click.option("--password-env", metavar="VAR", help="Variable that holds the password."),
    click.option("--auth", type=_AUTHS, help="How to sign in, where the secrets given do not tell."),
    click.option("--mls", "mls_system", metavar="SYSTEM", help="OriginatingSystemName, or the dataset."),
    click.option("--agent", "agent_key", metavar="KEY", help="Only listings of this agent."),
    click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Replace a setting of the preset; `connections show` lists them.",
    ),
    click.option(
        "--schedule",
        "schedule_minutes",
        type=click.IntRange(1),
        metavar="MINUTES",
        help="Import this often while the interface is open.",
    ),
    json_option("Print the connection as JSON, without secrets."),
)


def connection_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorates a command with every option that describes a connection."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def secrets_from(given: dict[str, Any]) -> dict[str, Any]:
    """Takes the names of variables out of ``given``; the secrets they hold, by ConnectionForm's names."""
    named = {secret: (given.pop(name), option) for name, (secret, option) in _SECRETS.items()}
    return {secret: _read(variable, option) for secret, (variable, option) in named.items() if variable is not None}


def asked(ctx: click.Context, connection: str, auth: str | None, *, as_json: bool) -> dict[str, Any]:
    """The secret of a stored connection's way of signing in, or of ``auth``, typed at a prompt that shows nothing."""
    if not sys.stdin.isatty():
        fail("--ask needs a terminal to type at: name a variable instead, for example with --token-env.", 2)
    if auth is None:
        answer = with_workspace(ctx, lambda ws: actions.show_connection(connection, ws), as_json=as_json)
        auth = data_of(answer, as_json=as_json).connection.auth.value
    name, words = _ASKED[AuthKind(auth)]
    return {name: click.prompt(words, hide_input=True, err=True).strip()}


def overrides_from(texts: tuple[str, ...]) -> dict[str, str | int | float | bool]:
    """``FIELD=VALUE`` by field; the last of several for one field counts."""
    return dict(_override(text) for text in texts)


def _read(variable: str, option: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        fail(f"The variable {variable} that {option} names is not set, or empty.", 2)
    return value


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(f"--set {text!r} is not FIELD=VALUE.", 2)
    return name.strip(), value.strip()
