"""Promises of the files to deploy: they are valid, grant little, and name what the program has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mls_tui.config import SPECS
from mls_tui.deploy import template
from mls_tui.vault.kms import KmsKeys
from mls_tui.workers.worker import STOP_SECONDS
from tests.deployment import resource, template_json

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "mls_tui" / "deploy" / "Dockerfile").read_text()
ROLES = ("TaskRole", "ExecutionRole", "ScheduleRole")


def statements(*roles: str) -> Iterator[dict[str, Any]]:
    for role in roles:
        for policy in resource(role)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_cfn_lint_finds_nothing() -> None:
    lint = [sys.executable, "-c", "from cfnlint.runner import main; main()"]
    path = ROOT / "mls_tui" / "deploy" / "template.yaml"
    done = subprocess.run([*lint, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_role_may_do_everything_or_scan() -> None:
    for statement in statements(*ROLES):
        assert statement["Effect"] == "Allow"
        for action in many(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), action
            assert action not in ("dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:DeleteTable", "s3:DeleteBucket")
        anything = "*" in many(statement["Resource"])
        assert anything == (statement["Action"] == "ecr:GetAuthorizationToken")


def test_the_worker_reaches_items_of_users_and_photos_alone() -> None:
    by_name = {statement["Sid"]: statement for statement in statements("TaskRole")}
    items = by_name["Items"]
    assert items["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert items["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": ["USER#*"]}
    assert by_name["Photos"]["Resource"] == {"Fn::Sub": "${Bucket.Arn}/listings/*"}
    assert not {action for action in by_name["Photos"]["Action"] if "Version" in action}


def test_the_key_of_secrets_opens_only_what_this_program_sealed_for_a_user() -> None:
    seen: list[dict[str, str]] = []

    class Service:
        def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
            seen.append(context)
            return b"k" * 32, b"wrapped"

        def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
            return b"k" * 32

        def describe(self) -> str:
            return "a stand-in"

    KmsKeys(Service(), "ann").current()
    [secrets] = [each for each in statements("TaskRole") if any("kms:" in action for action in many(each["Action"]))]
    condition = secrets["Condition"]
    assert sorted(condition["ForAllValues:StringEquals"]["kms:EncryptionContextKeys"]) == sorted(seen[0])
    assert condition["StringEquals"] == {"kms:EncryptionContext:application": seen[0]["application"]}
    assert condition["Null"] == {"kms:EncryptionContext:user": "false"}


def test_every_variable_given_to_a_worker_is_a_setting() -> None:
    [container] = resource("WorkerTask")["ContainerDefinitions"]
    names = {each["Name"] for each in container["Environment"]}
    assert names - {"AWS_REGION"} <= {spec.variable for spec in SPECS}
    assert not names & {spec.variable for spec in SPECS if spec.secret}
    assert container["ReadonlyRootFilesystem"]
    assert [mount["ContainerPath"] for mount in container["MountPoints"]] == ["/data"]


def test_fargate_waits_for_a_worker_that_stops() -> None:
    [container] = resource("WorkerTask")["ContainerDefinitions"]
    assert STOP_SECONDS + 10 <= container["StopTimeout"] <= 120


def test_there_are_as_many_workers_as_the_queued_and_running_imports_need() -> None:
    tracking = resource("WorkerScaling")["TargetTrackingScalingPolicyConfiguration"]
    metrics = {each["Id"]: each for each in tracking["CustomizedMetricSpecification"]["Metrics"]}
    queues = [metrics[name]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for name in ("waiting", "imported")]
    assert queues == [{"Fn::GetAtt": ["Imports", "QueueName"]}] * 2
    assert [name for name, each in metrics.items() if each["ReturnData"]] == ["backlog"]
    assert set(re.findall(r"\b[a-z]+\b", metrics["backlog"]["Expression"])) == {"waiting", "imported", "running"}
    [container] = resource("WorkerTask")["ContainerDefinitions"]
    assert container["Command"][-1] == tracking["TargetValue"] == {"Ref": "ImportsPerWorker"}
    assert resource("Cluster")["ClusterSettings"] == [{"Name": "containerInsights", "Value": "enabled"}]
    assert "DesiredCount" not in resource("Workers")


def test_the_schedule_starts_a_distributed_import_of_each_connection() -> None:
    text, names = resource("ImportSchedule")["Target"]["Input"]["Fn::Sub"]
    separator, connections = names["Names"]["Fn::Join"]
    assert connections == {"Ref": "Connections"}
    [override] = json.loads(text.replace("${Names}", separator.join(["lake", "hill"])))["containerOverrides"]
    assert override == {"name": "worker", "command": ["import", "--distributed", "--detach", "lake", "hill"]}


def test_what_holds_data_or_opens_it_outlives_the_stack() -> None:
    kept = {name for name, body in template_json()["Resources"].items() if body.get("DeletionPolicy") == "Retain"}
    assert kept == {"Table", "Bucket", "SecretsKey"}


def test_the_image_is_small_and_its_program_is_not_root_and_hears_signals() -> None:
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    assert [line.split()[1] for line in lines if line.startswith("FROM ")] == ["python:3.13-slim"] * 2
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    entry = next(line for line in lines if line.startswith("ENTRYPOINT "))
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == ["mls-tui"]
    assert not [line for line in lines if line.startswith(("ADD ", "HEALTHCHECK ")) or "apt-get" in line]
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert all((ROOT / name).exists() for names in copied for name in names)
    ignored = (ROOT / "mls_tui" / "deploy" / "Dockerfile.dockerignore").read_text().split()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert allowed == {name.removeprefix("./") for names in copied for name in names}


def test_no_file_names_an_account_or_a_secret() -> None:
    for text in (template(), DOCKERFILE):
        assert not re.search(r"\b\d{12}\b|AKIA[A-Z0-9]{16}|(?i:password|secret_access_key)\s*[:=]", text)
