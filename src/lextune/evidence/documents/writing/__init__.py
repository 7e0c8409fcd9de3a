"""Writes a document as Markdown, HTML, PDF or JSON, and tells which of its sentences are stale; it knows no law."""
