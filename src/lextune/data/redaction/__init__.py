"""Takes personal data out of texts and files; what is personal it is told by `lextune.data.personal`."""
