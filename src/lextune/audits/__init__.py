"""One file per audit, each AuditInput to AuditResult: measurements, never verdicts."""
