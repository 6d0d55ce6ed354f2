"""The way out to the network: checked addresses, connections, requests and answers. It knows nothing of RESO, tokens or
budgets, and nothing else in the program opens a connection to an MLS or a photo's host."""
