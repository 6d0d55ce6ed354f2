"""What mls_tui talks about: listings, connections, runs, events, errors, and the names of things in storage. No I/O."""
