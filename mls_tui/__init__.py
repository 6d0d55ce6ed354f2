"""mls_tui brings an MLS's listings and photos home. See README.md."""

__version__ = "0.1.0"
