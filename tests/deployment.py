"""The CloudFormation template as plain data."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from mls_tui.deploy import template


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Short forms (``!Ref``, ``!GetAtt a.b``) as the long ones of JSON."""


def _long(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if tag == "GetAtt":
            value = value.split(".")
    else:
        value = loader.construct_sequence(node, deep=True)
    return {tag if tag == "Ref" else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long)


@cache
def template_json() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(template(), Loader=_Loader)
    return document


def resource(name: str) -> dict[str, Any]:
    """The properties of one resource, yours to change."""
    properties: dict[str, Any] = template_json()["Resources"][name]["Properties"]
    return deepcopy(properties)
