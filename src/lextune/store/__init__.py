"""The index of runs in a database."""
