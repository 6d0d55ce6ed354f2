"""The job: what is new, changed or gone, and bringing it home. Knows no screen; says what it does in events."""
