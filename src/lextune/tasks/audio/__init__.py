"""What the tasks on sounds share."""
