"""What several documents say alike, made from statements; it knows no single document."""
