"""What is known of images before anything is learnt from them; it knows no model."""
