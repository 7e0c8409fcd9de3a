"""Finds personal data in texts by patterns, checksums and context; it keeps no text and opens no socket."""
