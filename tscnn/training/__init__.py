"""Training on segments, the weights that stay, the choice among networks."""
