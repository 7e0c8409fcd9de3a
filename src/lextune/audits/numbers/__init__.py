"""What audits compute, as plain functions of arrays; they know no model and no audit."""
