"""Promises about the configuration: who wins, what is refused and in which words, and what is never shown."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.config import SPECS, effective, load_settings
from mls_tui.domain.errors import UsageError


def _file(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text, encoding="utf-8")
    return home / "config.toml"


def test_flags_win_over_variables_over_the_file_over_defaults(home: Path) -> None:
    _file(home, 'table = "from-file"\ntheme = "from-file"\nuser = "from-file"')
    environ = {"MLS_TUI_HOME": str(home), "MLS_TUI_TABLE": "from-env", "MLS_TUI_THEME": "from-env"}
    settings = load_settings(environ, table="from-flag", bucket=None)
    assert (settings.table, settings.theme, settings.user) == ("from-flag", "from-env", "from-file")
    assert (settings.storage, settings.bucket) == ("local", None)
    sources = {row.name: row.source for row in effective(settings)}
    chosen = [sources[name] for name in ("table", "theme", "user", "storage")]
    assert chosen == ["flag", "environment", "file", "default"]


def test_home_holds_every_path(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home), "XDG_DATA_HOME": "/elsewhere"})
    names = ("config", "data", "state", "cache", "database", "photos", "log", "key", "session")
    paths = [getattr(settings, f"{name}_path") for name in names]
    assert all(path.is_relative_to(home) for path in paths)
    assert len(set(paths)) == len(paths)
    assert not home.exists()


def test_without_a_home_the_xdg_folders_are_used(tmp_path: Path) -> None:
    environ = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    settings = load_settings(environ)
    assert settings.config_path == tmp_path / "CONFIG" / "mls-tui" / "config.toml"
    assert settings.database_path.parent == tmp_path / "DATA" / "mls-tui"
    assert load_settings({**environ, "XDG_DATA_HOME": "relative"}).data_path.is_absolute()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLS_TUI_STORAGE", "cloud"),
        ("MLS_TUI_TABLE", "a b"),
        ("MLS_TUI_BUCKET", "Not_A_Bucket"),
        ("MLS_TUI_USER", "ann#LISTING"),
        ("MLS_TUI_LISTINGS_IN_FLIGHT", "0"),
        ("MLS_TUI_LISTINGS_IN_FLIGHT", "many"),
        ("MLS_TUI_ALLOW_PRIVATE_HOSTS", "perhaps"),
        ("MLS_TUI_WEBP_VARIANTS", "1600,wide"),
        ("MLS_TUI_IDENTITY_POOL_ID", "pool"),
    ],
)
def test_an_impossible_value_is_a_sentence_that_names_its_variable(home: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=name):
        load_settings({"MLS_TUI_HOME": str(home), name: value})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tabel = 'x'", "'tabel' \\(did you mean 'table'\\?\\)"),
        (
            "tabel = 'x'\nMLS_TUI_THEME = 'x'\nwhatever = 1",
            "'MLS_TUI_THEME' .did you mean 'theme'.., 'whatever'\\. Known",
        ),
        ("x = " + "[" * 5_000, "TOML"),
        ("x = " + "[" * 5_000 + "]" * 5_000, "TOML"),
        ("table = 3", "table"),
        ("read_only = 'maybe'", "read_only"),
        ("table = ", "TOML"),
        ("home = '/x'", "MLS_TUI_HOME"),
        ("key = 'canary-secret'", "MLS_TUI_KEY"),
        ("[keys]\nimport = 3", "keys"),
        ("[storage]\nx = 1", "storage"),
    ],
)
def test_a_wrong_file_is_a_sentence_that_names_it(home: Path, text: str, said: str) -> None:
    path = _file(home, text)
    with pytest.raises(UsageError, match=said) as caught:
        load_settings({"MLS_TUI_HOME": str(home)})
    assert str(path) in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_file_that_is_no_text_is_a_sentence(home: Path) -> None:
    _file(home, "")
    (home / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"config\.toml cannot be read"):
        load_settings({"MLS_TUI_HOME": str(home)})


def test_aws_without_a_bucket_says_which_variable_is_missing(home: Path) -> None:
    with pytest.raises(UsageError, match="MLS_TUI_BUCKET"):
        load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_STORAGE": "aws"})


def test_a_half_configured_cognito_says_which_variable_is_missing(home: Path) -> None:
    with pytest.raises(UsageError, match="MLS_TUI_USER_POOL_CLIENT_ID"):
        load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_USER_POOL_ID": "eu-west-1_x"})
    with pytest.raises(UsageError, match="MLS_TUI_USER_POOL_ID"):
        load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_IDENTITY_POOL_ID": "eu-west-1:1-2"})


def test_variables_of_the_users_own_are_nobodys_business(home: Path) -> None:
    """A token for --token-env may be called MLS_TUI_anything."""
    assert load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_LAKESIDE_TOKEN": "x"}).storage == "local"


def test_a_secret_is_masked_wherever_settings_are_shown(home: Path) -> None:
    settings = load_settings(
        {"MLS_TUI_HOME": str(home), "MLS_TUI_KEY": "canary-key-of-some-length", "MLS_TUI_KEY_PREVIOUS": "canary-2"}
    )
    shown = f"{settings!r} {settings} {effective(settings)}"
    assert "canary" not in shown
    with pytest.raises(UsageError) as caught:
        load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_KEY": "canary\nkey"})
    assert "canary" not in str(caught.value)


def test_every_setting_is_shown_once_and_settings_travel_to_other_processes(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home)}, webp_variants="1600, 400")
    assert [row.name for row in effective(settings)] == [spec.name for spec in SPECS]
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings.webp_variants == (1600, 400)


def test_keys_of_the_file_become_the_keymap(home: Path) -> None:
    _file(home, '[keys]\n"connections.import" = "x"\n')
    assert load_settings({"MLS_TUI_HOME": str(home)}).keymap == {"connections.import": "x"}


@pytest.mark.parametrize("key", ["short", "a", "fifteen letters", "12345678"])
def test_a_key_that_is_too_short_is_refused_with_the_way_to_make_one(home: Path, key: str) -> None:
    with pytest.raises(UsageError, match=r"MLS_TUI_KEY .*16 characters.*openssl rand -hex 32") as caught:
        load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_KEY": key})
    assert f"{key!r}" not in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(home: Path) -> None:
    _file(home, "")
    (home / "config.toml").write_bytes(b"\xef\xbb\xbftable = 'listings'\r\n")
    assert load_settings({"MLS_TUI_HOME": str(home)}).table == "listings"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_and_not_waited_for(home: Path, make: Callable[[Path], None]) -> None:
    home.mkdir()
    make(home / "config.toml")
    with pytest.raises(UsageError, match=r"config\.toml is not a regular file"):
        load_settings({"MLS_TUI_HOME": str(home)})


def test_a_user_without_a_home_is_told_to_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    with pytest.raises(UsageError, match="MLS_TUI_HOME"):
        load_settings({})
    with pytest.raises(UsageError, match="MLS_TUI_HOME"):
        load_settings({"MLS_TUI_HOME": "~/mls"})
    assert load_settings({"MLS_TUI_HOME": "/data/mls"}).home == Path("/data/mls")


def _nobody(uid: int) -> None:
    raise KeyError(uid)


@pytest.mark.parametrize("number", ["9" * 5_000, "0x" + "f" * 5_000, "[" + "0x" + "f" * 5_000 + "]"])
@pytest.mark.parametrize("name", ["photos_in_flight", "table", "webp_variants"])
def test_a_number_of_thousands_of_digits_is_a_sentence(home: Path, name: str, number: str) -> None:
    _file(home, f"{name} = {number}")
    with pytest.raises(UsageError, match=r"config\.toml") as caught:
        load_settings()
    assert len(str(caught.value)) < 500


NAMES = st.sampled_from([spec.name for spec in SPECS] + ["colour", "a b", "é"])
VALUES = st.sampled_from(
    [
        *("1", "-1", "9" * 5_000, "0x" + "f" * 5_000, "[0x" + "f" * 5_000 + "]", "1e999", "nan", "true", "2026-01-01"),
        *("25:61:00", '""', '"aws"', '"~x"', r'"\u0000"', r'"\ud800"', "[1, 2]", "[" * 900, "[" * 900 + "]" * 900),
        *("{a = 1}", '"http://u:p@h:99999"', "'''x\ny'''"),
    ]
) | st.text(max_size=20).map(lambda text: f"'{text}'")
LINES = st.lists(st.tuples(NAMES, VALUES).map(" = ".join) | st.sampled_from(["[keys]", "[[keys]]", "[", "\0", "# é"]))


@pytest.mark.fuzz("config.toml")
@given(LINES.map("\n".join).map(str.encode) | st.binary(max_size=200), st.dictionaries(NAMES, st.text(max_size=20)))
def test_whatever_stands_in_the_file_and_the_variables_gives_settings_or_a_sentence(
    content: bytes, variables: dict[str, str]
) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "config.toml").write_bytes(content)
        environ = {f"MLS_TUI_{name.upper()}": text for name, text in variables.items()}
        try:
            settings = load_settings({**environ, "MLS_TUI_HOME": folder})
        except UsageError as error:
            assert len(str(error)) < 2_000  # noqa: PT017 - also no error is fine
        else:
            assert all(isinstance(line.value, str) for line in effective(settings))
