"""Where the files that ship beside the code are, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path


def styles_path(package: Path | None = None) -> Path:
    """styles.tcss: within the package where a wheel is installed, beside it in a checkout."""
    folder = Path(__file__).parent.parent if package is None else package
    packaged = folder / "styles.tcss"
    return packaged if packaged.exists() else folder.parent / "styles.tcss"
