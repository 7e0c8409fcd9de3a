"""What the tasks on images share; it knows no particular task."""
