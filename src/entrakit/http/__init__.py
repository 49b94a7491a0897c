"""HTTP: the clients, and the rules for trust, addresses and retries."""
