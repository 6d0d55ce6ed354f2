"""The promises of the README, each with the tests that prove it: ``promises`` is the table."""
