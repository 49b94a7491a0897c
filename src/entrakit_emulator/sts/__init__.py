"""The token service: discovery, sign-in pages, token endpoint."""
