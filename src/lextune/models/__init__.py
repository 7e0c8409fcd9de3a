"""Choose, pin and load pretrained models; they know nothing of data."""
