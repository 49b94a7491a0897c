"""HTTP: one client, one rule of trust, one retry rule."""
