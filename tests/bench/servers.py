"""The bench's servers, on loopback and free ports: nginx for pages, photos and S3 objects; two small servers of our own
for what nginx has no words for (DynamoDB, and a photo host with latency)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.job import ROOT, Unavailable

_NGINX = """
{user}worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  log_format moments '$msec';
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; uwsgi_temp_path {folder}/t3; scgi_temp_path {folder}/t4;
  sendfile on; tcp_nodelay on; keepalive_requests 10000000; keepalive_timeout 600;
  open_file_cache max=10000 inactive=60s;
  map $arg_cursor $page {{ "" 1; default $arg_cursor; }}
  map $args $answer {{ "~top=1(&|$)" count; default $page; }}
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096;
    client_max_body_size 50m; client_body_buffer_size 256k;
    root {folder};
    default_type application/octet-stream;
    location = /odata/Property {{ default_type application/json; try_files /pages/$answer.json =404; }}
    location /photos/ {{
      types {{ }} default_type image/jpeg; try_files /photo.jpg =404;
      access_log {folder}/photos.log moments buffer=64k flush=1s;
    }}
    location /bucket/ {{
      root {folder}/objects; dav_methods PUT; create_full_put_path on; dav_access user:rw;
      add_header ETag '"0123456789abcdef0123456789abcdef"' always;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A child process that listens on a port of loopback; stopped by its own handle."""

    def __init__(self, command: list[str], port: int) -> None:
        self.port = port
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self._process.args!r} did not begin to listen")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)


class Nginx(Server):
    """Serves ``/odata/Property``, ``/photos/…`` (one photo under any name) and takes PUTs below ``/bucket/``.

    Raises Unavailable where there is no nginx.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            raise Unavailable("nginx is not installed: `apt-get install nginx-light` (or brew install nginx).")
        for name in ("objects/bucket", "body", "pages"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        port = free_port()
        user = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, user=user))
        super().__init__(
            [
                program,
                "-p",
                str(folder),
                "-c",
                str(folder / "nginx.conf"),
                "-e",
                str(folder / "error.log"),
                "-g",
                "daemon off;",
            ],
            port,
        )
        self.folder = folder

    def forget_objects(self) -> None:
        """Throw away what was stored, so that a memory disk does not fill up."""
        shutil.rmtree(self.folder / "objects" / "bucket", ignore_errors=True)
        (self.folder / "objects" / "bucket").mkdir(parents=True)

    def photo_moments(self) -> list[float]:
        """When each photo was asked for (epoch seconds), since the last call."""
        log = self.folder / "photos.log"
        time.sleep(1.2)  # nginx writes its log once a second
        moments = [float(line) for line in log.read_text().split()] if log.exists() else []
        os.truncate(log, 0)
        return moments


def dynamodb() -> Server:
    """Says yes to every write, finds only what PutItem gave it."""
    port = free_port()
    return Server([sys.executable, "-m", "tests.bench.dynamodb_sink", str(port)], port)


def slow_photos(folder: Path, seconds: float) -> Server:
    """Serves the folder's photo under any name, each ``seconds`` after it was asked for."""
    port = free_port()
    return Server(
        [sys.executable, "-m", "tests.bench.slow_photos", str(port), str(seconds), str(folder / "photo.jpg")], port
    )
