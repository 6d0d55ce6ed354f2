"""The photo store on AWS: one private, versioned S3 bucket."""

from mls_tui.storage.s3.store import S3PhotoStore

__all__ = ["S3PhotoStore"]
