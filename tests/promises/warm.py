"""Imported once by the process that forks children, so that each starts with every module and certificate loaded. It
must start no thread and open no socket: a fork would not have it."""

from __future__ import annotations

import encodings.idna  # noqa: F401
import gc
import os
from unittest import mock

import boto3  # noqa: F401
import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401
import uvloop  # noqa: F401

import mls_tui.cli.imports
import mls_tui.cli.workers
import mls_tui.importer.engine
import mls_tui.reso.connector
import mls_tui.reso.transport
import mls_tui.storage.dynamodb
import mls_tui.storage.folder
import mls_tui.storage.open
import mls_tui.storage.s3
import mls_tui.storage.sqlite
import mls_tui.users.local
import mls_tui.vault.os_keyring
import mls_tui.vault.secrets
import mls_tui.workers.worker  # noqa: F401
from mls_tui.reso.transport import tls_context
from mls_tui.storage.aws import Aws
from tests.botocore_models import read_once

read_once()
tls_context()
with mock.patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "-", "AWS_SECRET_ACCESS_KEY": "-", "AWS_REGION": "us-east-1"}):
    _aws = Aws()
    _aws.dynamodb()
    _aws.s3()
    _aws.sqs()
gc.freeze()  # else each child's first collection touches, and so copies, every page of this process
