"""Recommenders that learn nothing but counts, as baselines beside a model."""
