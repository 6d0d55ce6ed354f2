"""Imported once by the server that forks children: nothing here may start a thread or open a socket."""

from __future__ import annotations

import os
from unittest import mock

import boto3  # noqa: F401
import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401

import mls_tui.cli.imports
import mls_tui.importer.engine
import mls_tui.reso.connector
import mls_tui.reso.transport
import mls_tui.storage.dynamodb
import mls_tui.storage.folder
import mls_tui.storage.s3
import mls_tui.storage.sqlite
import mls_tui.vault.secrets  # noqa: F401
from mls_tui.storage.aws import Aws
from tests.botocore_models import read_once

read_once()
with mock.patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "-", "AWS_SECRET_ACCESS_KEY": "-", "AWS_REGION": "us-east-1"}):
    _aws = Aws()
    _aws.dynamodb()
    _aws.s3()
