"""Who signs tokens: clouds and their hosts, tenants and app registrations."""
