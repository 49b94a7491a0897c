"""What signs for a certificate: a key in memory, a program, a key vault."""
