"""Small changes of inputs that leave their labels as they are, one file a kind of input; they know no model and no measure."""
