"""What audits of groups share: who belongs to which group, and figures told of them."""
