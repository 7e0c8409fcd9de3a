"""One file a screen for unlawful content: adding a file adds a screen."""
