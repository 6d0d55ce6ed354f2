"""What released versions wrote: a database and a dump of its items each. Never edited."""
