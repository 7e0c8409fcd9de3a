"""Differential privacy of the training rows: per-row clipping, secret noise, and what they cost."""
