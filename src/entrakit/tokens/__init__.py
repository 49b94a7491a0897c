"""Tokens and what is written in them: scopes, claims, permissions, challenges."""
