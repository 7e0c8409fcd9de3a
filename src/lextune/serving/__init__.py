"""The HTTP server over a verified release."""
