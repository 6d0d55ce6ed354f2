"""Files to apply, for many machines on AWS: a CloudFormation template and a Dockerfile. Reads them, applies nothing."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def template() -> str:
    """The CloudFormation template, as text."""
    return (_HERE / "template.yaml").read_text(encoding="utf-8")


def dockerfile() -> str:
    """The Dockerfile of the workers, as text."""
    return (_HERE / "Dockerfile").read_text(encoding="utf-8")
