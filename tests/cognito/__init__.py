"""A user pool that truly checks who signs in, as moto does not: the server's half of SRP, challenges and tokens."""
