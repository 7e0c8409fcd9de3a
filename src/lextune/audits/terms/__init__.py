"""Identity terms in data files, how they are swapped in a text, and suites of sentences that differ in them."""
