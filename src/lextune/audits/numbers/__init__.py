"""What audits compute, as plain functions of arrays."""
