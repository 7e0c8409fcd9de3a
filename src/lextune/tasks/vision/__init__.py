"""What tasks on images share; it registers none."""
