"""What tasks on texts share: tokens kept on disk, rows packed without pads, and encoders that run over them."""
