"""Listings, connections, runs, events, errors, and the keys of stored things. No I/O."""
