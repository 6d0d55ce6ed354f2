"""A RESO Web API server on loopback with generated homes, drawn photos and faults on demand.

It shares no code with the importer, so that the two can disagree.
"""
