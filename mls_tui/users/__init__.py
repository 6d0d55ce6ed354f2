"""Who is signed in: the local user, or a user of a Cognito user pool."""
