"""One file per family of recognisers."""
