"""Sounds in the data room: what their files hold, and which of them no model should hear."""
