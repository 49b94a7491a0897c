"""Files on this machine: private and atomic, with locks, in the usual places."""
