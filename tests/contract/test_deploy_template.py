"""The stores of the CloudFormation template are those that ``storage init --distributed`` makes, name for name."""

from __future__ import annotations

import json
from typing import Any

from mls_tui.config import load_settings
from mls_tui.storage.aws import Aws
from mls_tui.storage.s3.setup import tls_statement
from mls_tui.workers.queue import ImportQueue
from tests.contract.samples import Pair
from tests.deployment import resource, template_json

DEFAULTS = load_settings({})


def test_the_names_are_the_defaults_of_the_configuration() -> None:
    parameters = template_json()["Parameters"]
    assert parameters["TableName"]["Default"] == DEFAULTS.table
    assert parameters["QueuePrefix"]["Default"] == DEFAULTS.queue_prefix
    assert parameters["UserId"]["Default"] == DEFAULTS.user


def test_the_table_is_the_same(aws: Aws, aws_pair: Pair) -> None:
    name = aws_pair.photos.describe().removeprefix("S3 bucket ")
    client: Any = aws.dynamodb()
    made, wanted = client.describe_table(TableName=name)["Table"], resource("Table")
    for part in ("KeySchema", "DeletionProtectionEnabled"):
        assert wanted[part] == made[part]
    assert _by_name(wanted["AttributeDefinitions"]) == _by_name(made["AttributeDefinitions"])
    assert wanted["BillingMode"] == made["BillingModeSummary"]["BillingMode"]
    assert len(wanted["GlobalSecondaryIndexes"]) == len(made["GlobalSecondaryIndexes"]) == 1
    assert wanted["GlobalSecondaryIndexes"][0].items() <= made["GlobalSecondaryIndexes"][0].items()
    assert wanted["SSESpecification"]["SSEEnabled"] == ("SSEDescription" in made)
    assert wanted["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def _by_name(attributes: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(attributes, key=lambda each: each["AttributeName"])


def test_the_bucket_is_the_same(aws: Aws, aws_pair: Pair) -> None:
    name, wanted = aws_pair.photos.describe().removeprefix("S3 bucket "), resource("Bucket")
    client: Any = aws.s3()
    block = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert wanted["PublicAccessBlockConfiguration"] == block
    made = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    rules = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert [rule["ServerSideEncryptionByDefault"] for rule in rules] == [
        rule["ApplyServerSideEncryptionByDefault"] for rule in made
    ]
    assert wanted["VersioningConfiguration"]["Status"] == client.get_bucket_versioning(Bucket=name)["Status"]
    lifecycle = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert wanted["LifecycleConfiguration"]["Rules"] == [_as_in_a_template(rule) for rule in lifecycle]


def _as_in_a_template(rule: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation has a rule's filter and the marker's expiry as properties of the rule itself."""
    named: dict[str, Any] = {"Id": rule.pop("ID"), **rule}
    named |= named.pop("Expiration", {})
    prefix = named.pop("Filter").get("Prefix")
    return {**named, "Prefix": prefix} if prefix else named


def test_plain_http_is_refused_in_the_same_words() -> None:
    [bucket] = resource("BucketPolicy")["PolicyDocument"]["Statement"]
    assert bucket | {"Resource": ""} == tls_statement("b") | {"Resource": ""}
    assert bucket["Resource"] == [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}]
    for queue in ("Imports", "ImportsDead"):
        policy = resource(f"{queue}Policy")
        assert policy["Queues"] == [{"Ref": queue}]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement == tls_statement("b") | {"Action": "sqs:*", "Resource": {"Fn::GetAtt": [queue, "Arn"]}}


async def test_the_queues_are_the_same(aws: Aws) -> None:
    prefix = "template"
    queue = ImportQueue(aws, prefix, visibility=DEFAULTS.queue_visibility)
    await queue.init()
    await queue.close()
    client: Any = aws.sqs()
    for title, name in (("Imports", queue.name), ("ImportsDead", queue.dead_name)):
        address = client.get_queue_url(QueueName=name)["QueueUrl"]
        made = client.get_queue_attributes(QueueUrl=address, AttributeNames=["All"])["Attributes"]
        wanted = resource(title)
        assert wanted.pop("QueueName") == {"Fn::Sub": name.replace(prefix, "${QueuePrefix}")}
        assert wanted.pop("Tags") == [{"Key": "application", "Value": "mls-tui"}]
        redrive = wanted.pop("RedrivePolicy", None)
        assert {key: str(value).lower() for key, value in wanted.items()}.items() <= {
            key: value.lower() for key, value in made.items()
        }.items()
        if redrive is not None:
            assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["ImportsDead", "Arn"]}
            assert redrive["maxReceiveCount"] == json.loads(made["RedrivePolicy"])["maxReceiveCount"]
        assert ("RedrivePolicy" in made) == (redrive is not None)
