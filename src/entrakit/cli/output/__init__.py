"""Results as text: forms, tables, files, progress."""
