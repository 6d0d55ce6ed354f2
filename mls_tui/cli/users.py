"""``mls-tui sign-in``, ``sign-out``, ``whoami`` and ``keys``: the user, and the key that encrypts their secrets."""

from __future__ import annotations

import click

from mls_tui import actions
from mls_tui.cli.output import plain_text, say
from mls_tui.cli.running import data_of, fail, log_to, settings_of, warn, with_workspace
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.users.base import Challenge, User, UserSource, require
from mls_tui.users.local import open_users


@click.command("sign-in")
@click.option("--username", metavar="NAME", help="Prompted for if it is not given.")
@click.pass_context
def sign_in(ctx: click.Context, username: str | None) -> None:
    """Sign in with Cognito, if a user pool is configured; the local user needs none of it."""
    users = _users(ctx)
    try:
        user = _signed_in(users, username)
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code)
    say(f"Signed in as {plain_text(user.name or user.user_id)}.")


def _signed_in(users: UserSource, username: str | None) -> User:
    if not users.needs_password():
        answer = users.sign_in(username or "", "")
    else:
        name = username or click.prompt("User name", err=True)
        answer = users.sign_in(name, click.prompt("Password", hide_input=True, err=True))
    while isinstance(answer, Challenge):
        answer = users.answer(answer, click.prompt(answer.prompt, hide_input=answer.hidden, err=True))
    return answer


@click.command("sign-out")
@click.pass_context
def sign_out(ctx: click.Context) -> None:
    """Forget the session here and revoke it at Cognito."""
    try:
        _users(ctx).sign_out()
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code)
    say("Signed out.")


@click.command()
@click.pass_context
def whoami(ctx: click.Context) -> None:
    """Print the id of the signed-in user, alone, on stdout."""
    try:
        click.echo(require(_users(ctx)).user_id)
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code)


@click.group()
def keys() -> None:
    """The key that encrypts tokens and passwords at rest."""


@keys.command()
@click.pass_context
def rotate(ctx: click.Context) -> None:
    """Make a new key and encrypt every stored secret again under it; the old one still reads."""
    answer = with_workspace(ctx, lambda ws: actions.rotate_keys(ws))
    data_of(answer)
    say(answer.message)


def _users(ctx: click.Context) -> UserSource:
    settings = settings_of(ctx)
    log_to(ctx, settings)
    return open_users(settings, warn)
