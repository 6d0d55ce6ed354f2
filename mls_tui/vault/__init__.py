"""Secrets at rest: encryption keys and the encrypted values."""
