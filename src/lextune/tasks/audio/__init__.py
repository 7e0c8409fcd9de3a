"""What tasks on sounds share: waves, log-mel spectrograms, augmentation; it registers no task."""
