"""The command line. Data goes to stdout, narration to stderr (docs/contract.md, section Command line).

Commands are imported when they are called, so that ``mls-tui --help`` costs no more than click.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from contextlib import suppress
from typing import Any

import click

from mls_tui import __version__
from mls_tui.cli.output import OutputError, abandon, flush_output, open_streams, say

_COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Open the interface with a demo MLS on this machine, or import it headless."),
    "connections": ("connections", "List, add, edit, show, test and remove MLS connections."),
    "import": ("imports", "Import the listings and photos of a connection."),
    "listings": ("listings", "Print or export what is stored."),
    "show": ("listings", "Print one listing."),
    "delete": ("listings", "Delete listings with their photos."),
    "history": ("history", "Past imports, or the problems of one."),
    "retry": ("history", "Import again what failed in a run."),
    "worker": ("workers", "Run imports from the queue, as one of many machines."),
    "pause": ("workers", "Pause an import."),
    "resume": ("workers", "Go on with a paused import."),
    "cancel": ("workers", "End an import."),
    "service": ("service", "Import in the background of this machine: install, status, remove."),
    "storage": ("storage", "Create or check table, bucket and folders."),
    "sign-in": ("users", "Sign in with Cognito, if it is configured."),
    "sign-out": ("users", "Sign out and revoke the session."),
    "whoami": ("users", "Print the id of the signed-in user."),
    "doctor": ("doctor", "Check configuration, AWS rights and what a provider supports."),
    "info": ("doctor", "Version, paths and effective configuration."),
    "keys": ("users", "Rotate the key that encrypts secrets."),
    "help": ("help", "Help of a command, or all of it as a manual page."),
    "completion": ("help", "Tab completion for bash, zsh or fish."),
}


class LazyGroup(click.Group):
    """The commands by name and summary; a command's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"mls_tui.cli.{_COMMANDS[cmd_name][0]}")
        command = getattr(module, {"import": "import_", "help": "help_"}.get(cmd_name, cmd_name.replace("-", "_")))
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a command that does not exist."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            ctx.fail(f"There is no command '{args[0]}'." + (f" Did you mean '{close[0]}'?" if close else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an unexpected error becomes a sentence, and its traceback goes to the log."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OutputError):
            raise
        except Exception as error:
            from mls_tui.cli.running import fail_unexpected

            fail_unexpected(error)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


_EPILOG = """\b
A first look:      mls-tui demo
Import an MLS:     mls-tui connections add NAME --provider PRESET
                   mls-tui import NAME
Help of a command: mls-tui help COMMAND
Tab in your shell: mls-tui help completion

\b
Exit codes: 0 done; 1 done, but some listings failed; 2 wrong usage or
configuration; 3 not signed in or refused; 4 MLS or storage unreachable;
130 interrupted, state saved."""


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="mls-tui")
@click.option("--storage", type=click.Choice(["local", "aws"]), help="Where to store: this machine or AWS.")
@click.option("--table", metavar="NAME", help="DynamoDB table.")
@click.option("--bucket", metavar="NAME", help="S3 bucket for photos.")
@click.option("--home", metavar="FOLDER", help="Keep every file of the program under this folder.")
@click.option("--read-only", is_flag=True, default=None, help="Refuse everything that changes something.")
@click.option("-v", "--verbose", count=True, help="Log to stderr as well; twice for more.")
@click.pass_context
def cli(ctx: click.Context, /, verbose: int, **flags: Any) -> None:
    """Import listings and photos from an MLS. Without a command, open the interface."""
    ctx.obj = {"flags": flags, "verbose": verbose}
    if ctx.invoked_subcommand is None:
        from mls_tui.cli.interface import open_interface

        open_interface(ctx)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code. Output that cannot be written ends it with a sentence and exit code 4."""
    open_streams()
    try:
        code = _run(arguments)
        flush_output()
    except OutputError as error:
        abandon(error.stream)
        say(f"Error: {error}")
        code = 4
    abandon("stdout", "stderr")
    sys.exit(code)


def _run(arguments: list[str] | None) -> int | str | None:
    try:
        cli.main(args=arguments, prog_name="mls-tui", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        with suppress(OutputError):
            error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        say("Stopped.")
        return 130
    except SystemExit as done:
        return done.code
    return 0
