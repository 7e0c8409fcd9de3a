"""One file per data format: each registers with `lextune.data.formats.data_format`; none knows what a row means."""
