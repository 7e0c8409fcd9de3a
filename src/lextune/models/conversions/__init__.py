"""One file per foreign format of weights that is turned into a folder of transformers."""
