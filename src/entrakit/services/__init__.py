"""Requests to any API that takes Entra tokens."""
