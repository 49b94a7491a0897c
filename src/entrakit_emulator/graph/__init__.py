"""Microsoft Graph: a directory of users, groups and apps on SQLite, with the rules of the real service."""
