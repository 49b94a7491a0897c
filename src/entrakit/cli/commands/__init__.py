"""One file a command: what it takes, and what it does with it. A command's file is imported only when it runs."""
