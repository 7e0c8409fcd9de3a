"""Data only: one YAML file per law or standard."""
