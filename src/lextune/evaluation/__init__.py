"""Measures a model and its baselines with intervals; it knows no bound."""
