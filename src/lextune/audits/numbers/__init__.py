"""Figures that audits measure, as plain functions of arrays; they know no model and no run."""
