"""The causal convolutional network. Never imports the linear room."""
