"""What tasks on somebody's events share: how histories are encoded, and the network that reads them."""
