"""One file a quality check: adding a file adds a check."""
