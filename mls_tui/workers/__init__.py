"""Imports on many machines: one SQS queue of imports, and workers that run the ordinary importer."""
