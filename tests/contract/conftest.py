"""Both pairs of stores, each test with a table and bucket, or a file and folder, of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mls_tui.storage.aws import Aws
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.folder import FolderPhotoStore
from mls_tui.storage.s3 import S3PhotoStore
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.aws_server import aws_endpoint
from tests.contract.samples import Pair


@pytest.fixture(scope="session")
def endpoint(_neutral_environment: None) -> Iterator[str]:
    with aws_endpoint() as url:
        yield url


@pytest.fixture(scope="session")
def aws(endpoint: str) -> Aws:
    """Clients as the program builds them: the endpoint comes from boto3's own variable."""
    clients = Aws()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        clients.dynamodb()
        clients.s3()
        clients.sqs()
    return clients


@pytest.fixture
async def aws_pair(aws: Aws) -> AsyncIterator[Pair]:
    name = f"t-{uuid4().hex}"
    pair = Pair("aws", DynamoDBListingStore(aws, name), S3PhotoStore(aws, name))
    await pair.rows.init()
    await pair.photos.init()
    yield pair
    await pair.rows.close()
    await pair.photos.close()


@pytest.fixture
async def local_pair(tmp_path: Path) -> AsyncIterator[Pair]:
    pair = Pair("local", SqliteListingStore(tmp_path / "data" / "rows.db"), FolderPhotoStore(tmp_path / "photos"))
    yield pair
    await pair.rows.close()
    await pair.photos.close()


@pytest.fixture(params=["local", "aws"])
def pair(request: pytest.FixtureRequest) -> Pair:
    found: Pair = request.getfixturevalue(f"{request.param}_pair")
    return found
