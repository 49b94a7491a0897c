"""Completion of command lines in four shells, made from the command table."""
