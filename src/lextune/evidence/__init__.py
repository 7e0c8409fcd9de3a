"""Statements, signatures, ledger and dossier; it knows nothing of what the statements claim."""
