"""Turns one RESO record into a Listing. Pure functions, no I/O."""
