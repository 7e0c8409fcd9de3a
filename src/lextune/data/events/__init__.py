"""Reads logs of who did what with which item and when into histories of users; it knows no model."""
