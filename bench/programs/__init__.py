"""Programs that are measured: each does one job in one way, and prints how long it took and what it needed."""
