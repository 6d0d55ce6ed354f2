"""``mls-tui connections``: list, add, test, remove. A secret is read from a variable or a prompt, never an argument."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import ConnectionForm, ConnectionView
from mls_tui.cli.running import fail, with_workspace
from mls_tui.cli.text import plain_text, print_json, say
from mls_tui.domain.clock import iso_z
from mls_tui.domain.connection import AuthKind

_AUTHS = click.Choice([kind.value for kind in AuthKind])


@click.group()
def connections() -> None:
    """List, add, test and remove MLS connections."""


@connections.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print an array, without secrets.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Every connection with its state and last import."""
    answer = with_workspace(ctx, lambda ws: actions.get_connections(ws), as_json=as_json)
    if answer.error is not None or answer.data is None:
        fail(answer.error or "", answer.exit_code, as_json=as_json)
    if as_json:
        print_json([_as_data(view) for view in answer.data])
    elif not answer.data:
        say("No connections yet. `mls-tui connections add NAME --provider PRESET` makes one; `mls-tui demo` has one.")
    for view in [] if as_json else answer.data:
        last = f"last import {view.last_run.state.value}" if view.last_run else "never imported"
        connection = view.connection
        facts = (connection.name, connection.provider, view.state, f"{view.listings or 0} listings", last)
        click.echo("  ".join(plain_text(fact) for fact in (connection.connection_id, *facts)))


@connections.command()
@click.argument("name")
@click.option(
    "--provider", required=True, metavar="PRESET", help="flexmls, bridge, trestle, crmls, mlsgrid, bright, reso."
)
@click.option("--base-url", metavar="URL", help="Address of the OData service, where the preset has none.")
@click.option("--token-env", metavar="VAR", help="Variable that holds the access token.")
@click.option("--refresh-token-env", metavar="VAR", help="Variable that holds a refresh token.")
@click.option("--client-id", metavar="ID", help="OAuth2 client id.")
@click.option("--client-secret-env", metavar="VAR", help="Variable that holds the client secret.")
@click.option("--token-url", metavar="URL", help="OAuth2 token endpoint.")
@click.option("--scope", metavar="TEXT", help="OAuth2 scope.")
@click.option("--username", metavar="NAME", help="User name, for signing in by password.")
@click.option("--password-env", metavar="VAR", help="Variable that holds the password.")
@click.option("--auth", type=_AUTHS, help="How to sign in, where the secrets given do not tell.")
@click.option("--mls", "mls_system", metavar="SYSTEM", help="OriginatingSystemName, or the dataset, to import from.")
@click.option("--agent", "agent_key", metavar="KEY", help="Only listings of this agent.")
@click.option("--set", "overrides", multiple=True, metavar="FIELD=VALUE", help="Replace a field of the preset.")
@click.option(
    "--schedule",
    "schedule_minutes",
    type=click.IntRange(1),
    metavar="MINUTES",
    help="Import this often while the interface is open.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the connection as JSON, without secrets.")
@click.pass_context
def add(ctx: click.Context, /, as_json: bool, overrides: tuple[str, ...], **given: Any) -> None:
    """Connect to an MLS. Secrets come from the variables that are named, or from a prompt on a terminal."""
    secrets: dict[str, Any] = {
        "access_token": _secret(given.pop("token_env"), "--token-env"),
        "refresh_token": _secret(given.pop("refresh_token_env"), "--refresh-token-env"),
        "client_secret": _secret(given.pop("client_secret_env"), "--client-secret-env"),
        "password": _secret(given.pop("password_env"), "--password-env"),
    }
    auth = given.pop("auth")
    if not any(secrets.values()) and sys.stdin.isatty():
        secrets["access_token"] = click.prompt("Access token", hide_input=True, err=True)
    form = ConnectionForm(
        **given, **secrets, auth=AuthKind(auth) if auth else None, overrides=dict(_override(text) for text in overrides)
    )
    answer = with_workspace(ctx, lambda workspace: actions.connect_mls(form, workspace), as_json=as_json)
    if answer.error is not None or answer.data is None:
        fail(answer.error or "", answer.exit_code, as_json=as_json)
    say(f"{answer.message}. `mls-tui connections test` tries it, `mls-tui import` imports it.")
    if as_json:
        print_json(_as_data(answer.data))
    else:
        click.echo(answer.data.connection.connection_id)


@connections.command()
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.pass_context
def test(ctx: click.Context, connection: str, as_json: bool) -> None:
    """Sign in and say what was found; stores nothing."""
    answer = with_workspace(ctx, lambda ws: actions.check_connection(connection, ws), as_json=as_json)
    if answer.error is not None or answer.data is None:
        fail(answer.error or "", answer.exit_code, as_json=as_json)
    if as_json:
        found = answer.data
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
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@click.pass_context
def remove(ctx: click.Context, connection: str, as_json: bool) -> None:
    """Revoke the token where the provider can, then forget the connection. Its listings stay."""
    answer = with_workspace(ctx, lambda ws: actions.disconnect_mls(connection, ws), as_json=as_json)
    if answer.error is not None:
        fail(answer.error, answer.exit_code, as_json=as_json)
    if as_json:
        print_json({"success": True, "message": answer.message})
    else:
        say(plain_text(answer.message))


def _as_data(view: ConnectionView) -> dict[str, Any]:
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


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _secret(variable: str | None, option: str) -> str | None:
    if variable is None:
        return None
    value = os.environ.get(variable, "").strip()
    if not value:
        fail(f"The variable {variable} that {option} names is not set, or empty.", 2)
    return value


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(f"--set {text!r} is not FIELD=VALUE.", 2)
    return name.strip(), value.strip()
