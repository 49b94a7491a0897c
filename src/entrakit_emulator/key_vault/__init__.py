"""A small Azure Key Vault: enough to sign in with a key, certificate or secret in it."""
