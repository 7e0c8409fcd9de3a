"""One file per data format."""
