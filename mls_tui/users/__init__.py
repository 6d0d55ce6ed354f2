"""Who is asking: the local user or Cognito, and their secrets at rest. Knows no store, no MLS, no screen."""
