"""AWS by botocore's Stubber: answers that moto never gives, in a fixed order. Any other call fails the test."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber

from mls_tui.storage.aws import Aws


@cache
def _session(region: str) -> boto3.session.Session:
    """One for all tests: it reads the service models, which takes longer than a test."""
    return boto3.session.Session("a", "b", region_name=region)


class StubbedAws(Aws):
    """Answers for every client; ``done`` asserts that every answer was asked for."""

    def __init__(self, region: str = "eu-west-1") -> None:
        super().__init__(lambda: _session(region))
        config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        self._rows_client = _session(region).client("dynamodb", config=config)
        self._photos_client = _session(region).client("s3", config=config)
        self.rows = Stubber(self._rows_client)
        self.objects = Stubber(self._photos_client)
        self.rows.activate()
        self.objects.activate()

    def dynamodb(self) -> Any:
        return self._rows_client

    def s3(self) -> Any:
        return self._photos_client

    def sqs(self) -> Any:
        return self.queues.client

    @cached_property
    def queues(self) -> Stubber:
        """SQS, for the tests that ask for it."""
        stub = Stubber(self.session().client("sqs", config=Config(retries={"total_max_attempts": 1})))
        stub.activate()
        return stub

    def done(self) -> None:
        self.rows.assert_no_pending_responses()
        self.objects.assert_no_pending_responses()
        if "queues" in vars(self):
            self.queues.assert_no_pending_responses()


def cancelled(stub: Stubber, *codes: str | None, items: tuple[dict[str, Any] | None, ...] = ()) -> None:
    """A cancelled transaction with these reasons."""
    reasons: list[dict[str, Any]] = [{"Code": code or "None"} for code in codes]
    for reason, item in zip(reasons, items, strict=False):
        if item is not None:
            reason["Item"] = item
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        "cancelled",
        400,
        modeled_fields={"CancellationReasons": reasons},
    )
