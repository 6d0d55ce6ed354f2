"""Opens the connector of a connection, by provider name. The only place that puts preset, HTTP, budget and connector
together."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.reso.auth import KeptToken, OnToken
from mls_tui.reso.base import Notice, Observer
from mls_tui.reso.budget import Budget, RateBudget
from mls_tui.reso.connector import ResoConnector
from mls_tui.reso.http import MlsHttp
from mls_tui.reso.presets import for_connection


def unobserved(notice: Notice) -> None:
    """An observer that needs to know nothing."""


def open_connector(
    connection: Connection,
    secrets: Mapping[SecretField, str],
    *,
    clock: Clock | None = None,
    observer: Observer = unobserved,
    budget_state: str | None = None,
    budget: Budget | None = None,
    allow_private_hosts: bool = False,
    on_token: OnToken | None = None,
    kept_token: KeptToken | None = None,
    rng: random.Random | None = None,
) -> ResoConnector:
    """The connector for a connection; nothing is sent yet.

    ``budget_state`` is what ``ResoConnector.budget_state`` gave an earlier run; ``budget`` takes the place of one made
    here. ``on_token`` keeps renewed tokens, ``kept_token`` reads them.

    Raises:
        UsageError: the provider is unknown (the message lists those known), or the connection's settings do not fit.
    """
    clock = clock or SystemClock()
    preset = for_connection(connection)
    budget = budget or RateBudget(preset.api_limits, preset.media_limits, clock, budget_state)
    http = MlsHttp(
        preset,
        connection,
        secrets,
        clock=clock,
        budget=budget,
        observer=observer,
        allow_private_hosts=allow_private_hosts,
        on_token=on_token,
        kept_token=kept_token,
        rng=rng or random.Random(),
    )
    return ResoConnector(preset, connection, http, clock=clock, observer=observer, budget=budget)
