"""Files to apply, for many machines on AWS: a CloudFormation template and a Dockerfile. Reads them, applies nothing."""

from __future__ import annotations

from pathlib import Path


def template() -> str:
    """The CloudFormation template, as text."""
    return (Path(__file__).parent / "template.yaml").read_text(encoding="utf-8")
