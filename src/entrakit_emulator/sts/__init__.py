"""The token service: discovery, sign-in pages and token endpoint."""
