"""Signing in: everything between this program and the token service."""
