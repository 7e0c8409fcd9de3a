"""What the data room knows of image files."""
