"""What is shown of an evaluation to people: a page with charts and pictures."""
