"""Small MLS servers, one shape per provider, each with its quirks; plain modules that any test may start."""
