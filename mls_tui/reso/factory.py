"""Opens the connector of a connection, by provider name. The only place that puts preset, HTTP, budget and connector
together."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.reso.auth import KeptToken, OnToken
from mls_tui.reso.base import Notice, Observer
from mls_tui.reso.connector import ResoConnector
from mls_tui.reso.http import MlsHttp
from mls_tui.reso.presets import for_connection
from mls_tui.reso.rate_limit import RateLimits


def unobserved(notice: Notice) -> None:
    """An observer that needs to know nothing."""


def open_connector(
    connection: Connection,
    secrets: Mapping[SecretField, str],
    *,
    clock: Clock | None = None,
    observer: Observer = unobserved,
    limits: RateLimits | None = None,
    allow_private_hosts: bool = False,
    on_token: OnToken | None = None,
    kept_token: KeptToken | None = None,
    rng: random.Random | None = None,
) -> ResoConnector:
    """The connector for a connection; nothing is sent yet.

    ``limits`` are those of its host and credential, if they are shared or kept. ``on_token`` keeps renewed tokens,
    ``kept_token`` reads them.

    Raises:
        UsageError: the provider is unknown (the message lists those known), or the connection's settings do not fit.
    """
    clock = clock or SystemClock()
    preset = for_connection(connection)
    limits = limits or RateLimits(clock).tighten(preset.api_limits, preset.media_limits)
    http = MlsHttp(
        preset,
        connection,
        secrets,
        clock=clock,
        limits=limits,
        observer=observer,
        allow_private_hosts=allow_private_hosts,
        on_token=on_token,
        kept_token=kept_token,
        rng=rng or random.Random(),
    )
    return ResoConnector(preset, connection, http, clock=clock, observer=observer, limits=limits)
