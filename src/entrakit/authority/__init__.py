"""The issuers of tokens: clouds and their hosts, tenants and app registrations."""
