"""``mls-tui storage``: create what is missing, say what is wrong."""

from __future__ import annotations

import json
import sys

import click

from mls_tui import actions
from mls_tui.cli.doctor import print_checks
from mls_tui.cli.running import data_of, json_option, settings_of, with_workspace


@click.group()
def storage() -> None:
    """Create or check table, index, bucket and their protections, or the embedded store."""


@storage.command()
@click.option("--print-policy", is_flag=True, help="Print the least IAM policy a user needs, and create nothing.")
@click.option("--print-template", is_flag=True, help="Print a CloudFormation template of it all, and create nothing.")
@click.option("--distributed", is_flag=True, help="The queues of many machines as well.")
@json_option()
@click.pass_context
def init(ctx: click.Context, print_policy: bool, print_template: bool, distributed: bool, as_json: bool) -> None:
    """Create what is missing; doing it twice changes nothing."""
    if print_template:
        from mls_tui.deploy import template

        click.echo(template(), nl=False)
        return
    if print_policy:
        from mls_tui.storage.policy import user_policy

        settings = settings_of(ctx)
        click.echo(json.dumps(user_policy(settings.table, settings.bucket or "BUCKET"), indent=2))
        return
    answer = with_workspace(ctx, lambda ws: actions.init_storage(ws, distributed=distributed), as_json=as_json)
    checks = data_of(answer, as_json=as_json)
    print_checks(checks, as_json=as_json)
    sys.exit(answer.exit_code)


@storage.command()
@click.option("--photos", is_flag=True, help="Verify every stored photo by hash, and find those nothing points at.")
@click.option("--repair", is_flag=True, help="With --photos: delete the orphans; mark the damaged to be fetched again.")
@click.option("--distributed", is_flag=True, help="Look over the queues of many machines as well.")
@json_option()
@click.pass_context
def check(ctx: click.Context, photos: bool, repair: bool, distributed: bool, as_json: bool) -> None:
    """Say what is missing or wrong, and what to do."""
    answer = with_workspace(
        ctx,
        lambda ws: actions.check_storage(ws, photos=photos, repair=repair, distributed=distributed),
        as_json=as_json,
    )
    checks = data_of(answer, as_json=as_json)
    print_checks(checks, as_json=as_json)
    sys.exit(answer.exit_code)
