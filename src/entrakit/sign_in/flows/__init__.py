"""The ways to sign in: one file and one function each, which reads like the RFC's picture."""
