"""``mls-tui connections``: list, add, edit, show, test, remove. A secret is read from a variable or a prompt, and
never is an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import ConnectionEdit, ConnectionForm, ConnectionView
from mls_tui.cli.help import connection_names, preset_names
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.running import data_of, fail, json_option, with_workspace
from mls_tui.domain.clock import iso_z
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
    """Add every option that describes a connection to a command."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def secrets_from(given: dict[str, Any]) -> dict[str, Any]:
    """Take the names of variables out of ``given``; return the secrets they hold, by ConnectionForm's names."""
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


@click.group()
def connections() -> None:
    """List, add, edit, show, test and remove MLS connections."""


@connections.command("list")
@json_option("Print an array, without secrets.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Every connection with its state and last import."""
    answer = with_workspace(ctx, lambda ws: actions.get_connections(ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        print_json([connection_data(view) for view in found])
    elif not found:
        say("No connections yet. `mls-tui connections add NAME --provider PRESET` makes one; `mls-tui demo` has one.")
    for view in [] if as_json else found:
        last = f"last import {view.last_run.state.value}" if view.last_run else "never imported"
        connection = view.connection
        facts = (connection.name, connection.provider, view.state, f"{view.listings or 0} listings", last)
        click.echo("  ".join(plain_text(fact) for fact in (connection.connection_id, *facts)))


@connections.command()
@click.argument("name")
@click.option(
    "--provider",
    required=True,
    metavar="PRESET",
    shell_complete=preset_names,
    help="flexmls, bridge, trestle, crmls, mlsgrid, bright, reso.",
)
@connection_options
@click.pass_context
def add(ctx: click.Context, /, name: str, provider: str, as_json: bool, **given: Any) -> None:
    """Connect to an MLS. Secrets come from the variables that are named, or from a prompt on a terminal."""
    secrets = secrets_from(given)
    auth, overrides = given.pop("auth"), overrides_from(given.pop("overrides"))
    if not secrets and sys.stdin.isatty():
        secrets["access_token"] = click.prompt("Access token", hide_input=True, err=True)
    form = ConnectionForm(
        name, provider, **given, **secrets, auth=AuthKind(auth) if auth else None, overrides=overrides
    )
    answer = with_workspace(ctx, lambda workspace: actions.connect_mls(form, workspace), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    say(f"{answer.message}. `mls-tui connections test` tries it, `mls-tui import` imports it.")
    if as_json:
        print_json(connection_data(found))
    else:
        click.echo(found.connection.connection_id)


@connections.command()
@click.argument("connection", shell_complete=connection_names)
@click.option("--name", metavar="NAME", help="Another name.")
@click.option(
    "--provider",
    metavar="PRESET",
    shell_complete=preset_names,
    help="Another provider; settings that only the old one had are dropped.",
)
@connection_options
@click.option("--unset", multiple=True, metavar="FIELD", help="Back to the preset's value, or to none.")
@click.option("--ask", is_flag=True, help="Prompt for the secret of its way of signing in.")
@click.pass_context
def edit(
    ctx: click.Context, /, connection: str, as_json: bool, ask: bool, unset: tuple[str, ...], **given: Any
) -> None:
    """Change a connection: only what is named. Secrets come from the variables that are named, or with --ask from a
    prompt."""
    secrets = secrets_from(given)
    overrides = overrides_from(given.pop("overrides"))
    if ask:
        secrets |= asked(ctx, connection, given["auth"], as_json=as_json)
    changed = {name: value for name, value in given.items() if value is not None} | secrets
    if "auth" in changed:
        changed["auth"] = AuthKind(changed["auth"])
    what = ConnectionEdit(changed, overrides, unset)
    answer = with_workspace(
        ctx, lambda workspace: actions.edit_connection(connection, what, workspace), as_json=as_json
    )
    found = data_of(answer, as_json=as_json)
    say(plain_text(f"{answer.message}. {found.note}".strip()))
    if as_json:
        print_json(connection_data(found))
    else:
        click.echo(found.connection.connection_id)


@connections.command()
@click.argument("connection", shell_complete=connection_names)
@json_option("Print it as one JSON document, without secrets.")
@click.pass_context
def show(ctx: click.Context, connection: str, as_json: bool) -> None:
    """Show a connection: its own fields, and every setting of its provider."""
    answer = with_workspace(ctx, lambda ws: actions.show_connection(connection, ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        print_json(shown_data(found))
    else:
        for line in shown_lines(found):
            click.echo(line)


@connections.command()
@click.argument("connection", shell_complete=connection_names)
@json_option()
@click.pass_context
def test(ctx: click.Context, connection: str, as_json: bool) -> None:
    """Sign in and say what was found; stores nothing."""
    answer = with_workspace(ctx, lambda ws: actions.check_connection(connection, ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        print_json(
            {
                "success": True,
                "message": answer.message,
                "data": {
                    "member": found.member.to_data(),
                    "waiting": found.waiting,
                    "notes": list(found.notes),
                },
            }
        )
    else:
        click.echo(plain_text(answer.message))


@connections.command()
@click.argument("connection", shell_complete=connection_names)
@json_option()
@click.pass_context
def remove(ctx: click.Context, connection: str, as_json: bool) -> None:
    """Revoke the token if the provider can, then delete the connection. Its listings stay."""
    answer = with_workspace(ctx, lambda ws: actions.disconnect_mls(connection, ws), as_json=as_json)
    if answer.error is not None:
        fail(answer.error, answer.exit_code, as_json=as_json)
    if as_json:
        print_json({"success": True, "message": answer.message})
    else:
        say(plain_text(answer.message))


_NEW = "none: the next import reads the whole feed"


def connection_data(view: ConnectionView) -> dict[str, Any]:
    """The JSON of a connection: its fields in camelCase, its state, its last run, how far imports have come."""
    data = view.connection.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"secrets", "cursor"})
    data |= {"state": view.state, "listings": view.listings}
    if view.last_run is not None:
        data["lastRun"] = view.last_run.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude={"errors", "checkpoint"}
        )
    if view.next_run_at is not None:
        data["nextRunAt"] = view.next_run_at
    cursor = view.connection.cursor
    if cursor.watermark:
        data["watermark"] = cursor.watermark
    if view.connection.token_expires_at:
        data["tokenExpires"] = iso_z(_moment(view.connection.token_expires_at))
    return data


def shown_data(view: ConnectionView) -> dict[str, Any]:
    """The same with the names of the stored secrets and every setting."""
    settings = [
        {
            "name": setting.name,
            "help": setting.help,
            "type": setting.wanted,
            "value": setting.value,
            "default": setting.default,
            "setByYou": setting.mine,
        }
        for setting in view.settings
    ]
    data = connection_data(view)
    data.pop("listings")
    return data | {"storedSecrets": list(view.stored_secrets), "settings": settings}


def shown_lines(view: ConnectionView) -> Iterator[str]:
    """One line a field, then one line a setting: its name, its value, whether the user has set it, what it means."""
    connection = view.connection
    schedule = connection.schedule_minutes
    own = {
        "id": connection.connection_id,
        "name": connection.name,
        "provider": connection.provider,
        "state": view.state,
        "sign-in": connection.auth.value,
        "secrets": ", ".join(view.stored_secrets) or "none",
        "client id": connection.client_id,
        "user name": connection.username,
        "mls": connection.mls_system,
        "agent": connection.agent_key,
        "schedule": f"every {schedule} minutes" if schedule else "by hand",
        "watermark": connection.cursor.watermark or _NEW,
    }
    for label, value in own.items():
        if value:
            yield f"{label:<10} {plain_text(value)}"
    yield ""
    width = max(len(setting.name) for setting in view.settings)
    for setting in view.settings:
        instead = f"; the preset: {setting.default}" if setting.default != setting.value else ""
        said = f"set by you{instead}" if setting.mine else setting.help
        yield f"{setting.name:<{width}}  {plain_text(setting.value)}  ({plain_text(said)})"


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
