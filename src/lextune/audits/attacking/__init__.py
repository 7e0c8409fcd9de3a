"""What attacks on a trained model ask of it: scores of rows and of canaries; they measure nothing themselves."""
