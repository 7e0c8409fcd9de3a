"""What tasks on rows of named features share; it knows no task."""
