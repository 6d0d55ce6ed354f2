"""What a world that does not work leads to: a sentence, the right exit code, and nothing half-written."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mls_tui.demo.server import DemoMLS
from tests.contract.aws_server import aws_endpoint
from tests.e2e.cli.house import FAST, Here, add, files_below

Answer = Callable[[BaseHTTPRequestHandler], tuple[int, str, bytes]]


@contextmanager
def odd_server(answer: Answer) -> Iterator[str]:
    """A server that answers everything in one odd way; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/odata"
    finally:
        server.shutdown()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _connect(cli: Here, url: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> None:
    monkeypatch.setenv("TOKEN", "canary-token-9d1c")
    given = ("--provider", "reso", "--base-url", url, "--token-env", "TOKEN", *FAST, *more)
    cli.done("connections", "add", "Odd", *given)


def _refused(cli: Here, code: int, *arguments: str) -> str:
    before = cli.done("listings", "--json").out
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (code, ""), outcome
    assert cli.done("listings", "--json").out == before
    assert "canary" not in outcome.err
    return outcome.err


HTML = b"<!doctype html><html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (lambda _: (200, "text/html", HTML), 4, "web page"),
        (lambda _: (200, "application/json", b"{not json"), 4, "JSON"),
        (lambda _: (200, "application/json", b'{"value": 7}'), 4, ""),
        (lambda _: (404, "text/plain", b"no such service"), 4, "404"),
        (lambda _: (400, "application/json", b'{"error": {"message": "unknown field"}}'), 4, "400"),
        (lambda request: (401, "text/plain", f"bad token {request.headers['Authorization']}".encode()), 3, ""),
        (lambda request: (403, "text/plain", f"no rights {request.headers['Authorization']}".encode()), 4, "entitled"),
    ],
)
def test_an_mls_that_makes_no_sense(
    answer: Answer, code: int, said: str, cli: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    with odd_server(answer) as url:
        _connect(cli, url, monkeypatch)
        assert said in _refused(cli, code, "import", "Odd", "--no-photos")
        assert cli("import", "Odd", "--no-photos", "--json").json["success"] is False


def test_an_mls_that_cannot_be_reached_is_exit_code_4(cli: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    _connect(cli, f"http://127.0.0.1:{_free_port()}/odata", monkeypatch)
    assert "127.0.0.1" in _refused(cli, 4, "connections", "test", "Odd")


def test_a_private_address_is_a_matter_of_configuration(cli: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    _connect(cli, "http://127.0.0.1:9/odata", monkeypatch)
    monkeypatch.delenv("MLS_TUI_ALLOW_PRIVATE_HOSTS")
    for arguments in (("connections", "test", "Odd"), ("import", "Odd")):
        assert "MLS_TUI_ALLOW_PRIVATE_HOSTS" in _refused(cli, 2, *arguments)


@pytest.mark.parametrize(
    "text", ["bucket", "storage = 3", "unknown = 1", 'key = "in the clear"', "listings_in_flight = 0"]
)
def test_a_wrong_config_file_is_exit_code_2_and_named(text: str, cli: Here, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text(text)
    for arguments in (("listings",), ("import", "X", "--json"), ("info",), ("whoami",)):
        outcome = cli(*arguments)
        assert outcome.code == 2, outcome
        assert "config.toml" in outcome.err
        assert "in the clear" not in outcome.err
    assert (home / "config.toml").read_text() == text


def test_a_database_that_is_none_is_exit_code_4_and_left_as_it_is(imported: Here, home: Path) -> None:
    (database,) = [path for path in files_below(home) if path.suffix == ".db"]
    for leftover in database.parent.glob(f"{database.name}-*"):
        leftover.unlink()
    database.write_bytes(b"this is no database, it is a letter" * 200)
    before = database.read_bytes()
    for arguments in (("listings",), ("import", "Lake"), ("history",), ("storage", "check")):
        outcome = imported(*arguments)
        assert outcome.code == 4, outcome
        assert str(database) in outcome.err + outcome.out
    assert database.read_bytes() == before


def test_a_full_disk_is_exit_code_4_and_harms_nothing(
    imported: Here, home: Path, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = imported.done("listings", "--json").out
    with monkeypatch.context() as patch:
        real = os.fsync

        def full(handle: int) -> None:
            if "photos" in str(Path(f"/proc/self/fd/{handle}").readlink()):
                raise OSError(28, "No space left on device")
            real(handle)

        patch.setattr(os, "fsync", full)
        outcome = imported("import", "Lake", "--full")
    assert outcome.code == 4, outcome
    assert "disk" in outcome.err.lower() or "space" in outcome.err.lower()
    after = imported.done("listings", "--json").json
    assert len(after) == 6
    assert not [path for path in files_below(home) if path.suffix == ".jpg"]
    assert before
    imported.done("import", "Lake", "--full")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_exit_code_4(cli: Here, home: Path) -> None:
    home.mkdir(mode=0o500)
    assert cli("storage", "init").code == 4


def test_a_file_where_the_folder_should_be_is_exit_code_4(cli: Here, home: Path) -> None:
    home.write_text("not a folder")
    outcome = cli("storage", "init")
    assert outcome.code == 4, outcome
    assert str(home) in outcome.err


@pytest.fixture
def aws(cli: Here, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    with aws_endpoint() as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("MLS_TUI_STORAGE", "aws")
        monkeypatch.setenv("MLS_TUI_BUCKET", "homes-of-ours")
        yield cli


def test_aws_without_table_or_bucket_says_storage_init_and_that_mends_it(aws: Here, mls: DemoMLS) -> None:
    for arguments in (("listings",), ("history",), ("storage", "check")):
        outcome = aws(*arguments)
        assert outcome.code == 4, outcome
        assert "mls-tui storage init" in outcome.err + outcome.out
    aws.done("storage", "init")
    aws.done("storage", "init")
    add(aws, mls)
    aws.done("import", "Lake")
    listing = aws.done("listings", "--json").json[0]
    assert listing["photos"][0]["url"].startswith(("https://", "s3://", "http://"))
    aws.done("delete", listing["listingId"], "--yes")
    aws.done("doctor")


def test_aws_without_a_region_is_a_sentence(aws: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    outcome = aws("listings")
    assert outcome.code in (2, 4), outcome
    assert "AWS_REGION" in outcome.err


def test_aws_without_credentials_is_a_sentence(aws: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    outcome = aws("listings")
    assert outcome.code in (3, 4), outcome
    assert "credentials" in outcome.err


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException", "UnrecognizedClientException"])
def test_aws_that_refuses_is_a_sentence(code: str, aws: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = "application/x-amz-json-1.0"
    body = f'{{"__type": "com.amazonaws#{code}", "message": "no"}}'.encode()
    with odd_server(lambda _: (400, kind, body)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url.removesuffix("/odata"))
        outcome = aws("listings")
    assert outcome.code in (3, 4), outcome
    assert "Error" in outcome.err
