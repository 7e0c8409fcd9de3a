"""Measures what data are worth before anything learns from them; it gives no verdict and knows no model."""
