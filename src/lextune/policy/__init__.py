"""Packs, facts, applicability and verdicts: pure functions of data; no torch, no run folder."""
