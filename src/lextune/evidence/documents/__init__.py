"""One file per document made from the dossier alone."""
