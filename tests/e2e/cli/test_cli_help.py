"""Help in its forms: version, suggestions, the pages of commands, the manual page, completion."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mls_tui import __version__
from tests.e2e.cli.house import Here, ended, process

WORDS = "mls-tui"


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str, cli: Here) -> None:
    assert __version__ in cli.done(option).out


def test_help_of_a_command_is_what_its_help_option_prints(cli: Here) -> None:
    assert cli.done("help").out == cli.done("--help").out
    for words in (("import",), ("connections", "add")):
        assert cli.done("help", *words).out == cli.done(*words, "--help").out
    assert cli("help", "connections", "nothing").code == 2


@pytest.mark.parametrize(("given", "meant"), [("imprt", "import"), ("conections", "connections"), ("hist", "history")])
def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(given: str, meant: str, cli: Here) -> None:
    outcome = cli(given)
    assert outcome.code == 2
    assert f"Did you mean '{meant}'?" in outcome.err
    assert "Did you mean" not in cli("qqqqqqqq").err


def test_the_manual_page_has_every_command_and_option(cli: Here) -> None:
    page = cli.done("help", "--man").out
    for text in (r"\-\-full", r"\-\-client\-secret\-env", "connections add", "storage init", "service install", "130"):
        assert text in page
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str, cli: Here) -> None:
    assert f"_MLS_TUI_COMPLETE={shell}_complete" in cli.done("completion", shell).out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=cli.done("completion", shell).out, text=True, check=True)


def completed(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    monkeypatch.setenv("_MLS_TUI_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join((WORDS, *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    outcome = ended(process())
    monkeypatch.delenv("_MLS_TUI_COMPLETE")
    assert outcome.err == ""
    return [line.partition(",")[2] for line in outcome.lines if line]


def test_commands_connections_and_presets_are_completed(connected: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed(monkeypatch, "imp") == ["import"]
    assert completed(monkeypatch, "import", "La") == ["Lake"]
    assert completed(monkeypatch, "connections", "add", "X", "--provider", "br") == ["bridge", "bright"]


def test_completion_without_a_store_makes_none(cli: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cli.done("info", "--json").json["paths"]["database"]
    assert completed(monkeypatch, "import", "L") == []
    assert not Path(before).exists()
