"""Endpoints of managed identities, as the hosts in Azure have them."""
