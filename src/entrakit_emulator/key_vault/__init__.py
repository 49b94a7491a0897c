"""A small Azure Key Vault: enough to sign in with a key, a certificate or a secret that is kept in one."""
