"""Says which parts of an input moved a model's answer; it knows no audit, no request and no law."""
