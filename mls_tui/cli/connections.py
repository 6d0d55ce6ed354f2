"""``mls-tui connections``: list, add, edit, show, test, remove. A secret is read from a variable or a prompt, never an
argument."""

from __future__ import annotations

import sys
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import ConnectionEdit, ConnectionForm
from mls_tui.cli.connection_options import asked, connection_options, overrides_from, secrets_from
from mls_tui.cli.connection_text import connection_data, shown_data, shown_lines
from mls_tui.cli.running import data_of, fail, json_option, with_workspace
from mls_tui.cli.text import plain_text, print_json, say
from mls_tui.domain.connection import AuthKind


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
    "--provider", required=True, metavar="PRESET", help="flexmls, bridge, trestle, crmls, mlsgrid, bright, reso."
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
@click.argument("connection")
@click.option("--name", metavar="NAME", help="Another name.")
@click.option("--provider", metavar="PRESET", help="Another provider; what was the old one's alone does not stay.")
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
@click.argument("connection")
@json_option("Print it as one JSON document, without secrets.")
@click.pass_context
def show(ctx: click.Context, connection: str, as_json: bool) -> None:
    """A connection as it stands: its own fields, and every setting of its provider."""
    answer = with_workspace(ctx, lambda ws: actions.show_connection(connection, ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        print_json(shown_data(found))
    else:
        for line in shown_lines(found):
            click.echo(line)


@connections.command()
@click.argument("connection")
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
@click.argument("connection")
@json_option()
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
