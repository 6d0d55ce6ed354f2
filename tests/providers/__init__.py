"""Small MLS servers with the habits of real providers. They are plain modules that any test may use."""
