"""``python -m mls_tui`` and the ``mls-tui`` command."""

from __future__ import annotations

from mls_tui.cli import main

if __name__ == "__main__":
    main()
