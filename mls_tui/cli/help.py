"""``mls-tui help`` and ``mls-tui completion``: the texts of ``--help``, also as a manual page, and Tab in the shell."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from mls_tui import __version__

_VARIABLE = "_MLS_TUI_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")
_PLACES = ("storage", "table", "bucket", "home")


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.option("--man", is_flag=True, help="Print all of it as a manual page: mls-tui help --man | man -l -")
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...], man: bool) -> None:
    """Show the help of a command, such as `mls-tui help connections add`."""
    root = ctx.find_root()
    if man:
        click.echo(manual(root.command), nl=False)
        return
    command, context = root.command, root
    for word in words:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            raise click.UsageError(f"There is no command '{' '.join(words)}'. `mls-tui help` lists them.")
        command, context = below, click.Context(below, parent=context, info_name=word)
    click.echo(command.get_help(context))


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes Tab complete commands, options, connections and presets in bash, zsh or fish.

    \b
    bash  eval "$(mls-tui completion bash)"   in ~/.bashrc
    zsh   eval "$(mls-tui completion zsh)"    in ~/.zshrc
    fish  mls-tui completion fish | source    in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell) or ShellComplete
    # The method of the base class: bash's own starts a bash to ask for its version, and writes to stderr.
    click.echo(ShellComplete.source(kind(ctx.find_root().command, {}, "mls-tui", _VARIABLE)))


def connection_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the stored connections, or the id of one whose name has a space. Silent if they cannot be read."""
    from mls_tui import actions
    from mls_tui.actions.workspace import Workspace
    from mls_tui.config import load_settings
    from mls_tui.storage.threads import run_loop

    async def read() -> list[tuple[str, str]]:
        async with Workspace(settings) as workspace:
            views = (await actions.get_connections(workspace)).data or []
            return [(view.connection.name, view.connection.connection_id) for view in views]

    try:
        settings = load_settings(**{name: ctx.find_root().params.get(name) for name in _PLACES})
        if settings.storage == "local" and not settings.database_path.exists():
            return []
        found = run_loop(read())
    except Exception:
        return []
    items = [CompletionItem(one if " " in name else name, help=name) for name, one in found]
    return [item for item in items if item.value.lower().startswith(incomplete.lower())]


def preset_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The providers that there are presets for."""
    from mls_tui.reso.presets import PRESETS

    return [name for name in PRESETS if name.startswith(incomplete)]


def manual(root: click.Command) -> str:
    """The manual page mls-tui(1) in troff, from the same texts as ``--help``."""
    lines = [
        f'.TH MLS-TUI 1 "" "mls-tui {__version__}" "User Commands"',
        ".SH NAME",
        r"mls\-tui \- import MLS listings and photos over the RESO Web API",
        ".SH SYNOPSIS",
        r".B mls\-tui",
        "[OPTIONS] [COMMAND] [ARGS]...",
        ".SH DESCRIPTION",
        *_paragraphs(root.help or ""),
        ".SH OPTIONS",
        *_options(root, click.Context(root, info_name="mls-tui")),
        ".SH COMMANDS",
    ]
    for path, command, context in _commands(root, click.Context(root, info_name="mls-tui")):
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f".SS {_troff(f'{path} {usage}')}", *_paragraphs(command.help or ""), *_options(command, context)]
    lines += [".SH NOTES", *_paragraphs(root.epilog or "")]
    return "\n".join(lines) + "\n"


def _commands(group: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command below ``group`` with its path; a group comes before its own commands."""
    for name in group.list_commands(context) if isinstance(group, click.Group) else ():
        command = group.get_command(context, name) if isinstance(group, click.Group) else None
        if command is not None:
            below = click.Context(command, parent=context, info_name=name)
            yield below.command_path.removeprefix("mls-tui "), command, below
            yield from _commands(command, below)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is not None:
            yield from (".TP", rf".B {_troff(record[0])}", _troff(record[1]))


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; one that begins with click's ``\\b`` keeps its lines."""
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip("\n") for line in part.splitlines()]
        as_is = lines[0].strip() == "\b"
        yield from (".PP", *([".nf"] if as_is else []))
        yield from (_troff(line.strip()) for line in lines[as_is:] if line.strip())
        yield from [".fi"] if as_is else []


def _troff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
