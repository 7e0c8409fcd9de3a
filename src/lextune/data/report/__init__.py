"""Makes the data report something to look at; it measures nothing itself."""
