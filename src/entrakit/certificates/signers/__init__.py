"""Signers of certificates: a key in memory, an external program, a key in Azure Key Vault."""
