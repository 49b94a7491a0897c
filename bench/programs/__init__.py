"""Measured programs: each does one task in one way, and prints its time and memory as JSON."""
