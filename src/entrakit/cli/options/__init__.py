"""Options that commands share, and what they are parsed into."""
