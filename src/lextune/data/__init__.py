"""Reads, checks, splits and fingerprints data; it knows nothing of models."""
