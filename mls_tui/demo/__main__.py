"""``python -m mls_tui.demo``: the demo MLS as a process of its own, driven over its standard streams.

It prints one line of JSON when it listens; answers every line it reads with one line of JSON about what it has
served; and ends when its input ends, so that it never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import json
import sys

from mls_tui.demo.faults import Faults
from mls_tui.demo.server import DemoMLS
from mls_tui.demo.thread import RunningDemo


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m mls_tui.demo", description="The demo MLS, on loopback.")
    parser.add_argument("--listings", type=int, default=300)
    parser.add_argument("--faults", type=int, default=None, metavar="SEED")
    parser.add_argument("--api-rate", type=float, default=0.10, metavar="SHARE")
    given = parser.parse_args()
    mls = DemoMLS(listings=given.listings, faults=Faults(given.faults, api_rate=given.api_rate))
    with RunningDemo(mls).start():
        _say({"baseUrl": mls.base_url, "token": mls.token})
        for _ in sys.stdin:
            _say({"faults": dict(mls.faults.served), "digests": {key: mls.digests(key) for key in _active(mls)}})


def _active(mls: DemoMLS) -> list[str]:
    return mls.feed.listing_keys("Active")


def _say(document: object) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    main()
