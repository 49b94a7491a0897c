"""Certificates and private keys from files and bytes, as objects of the `cryptography` package."""
