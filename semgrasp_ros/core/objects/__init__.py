"""Objects as point clouds, and the encoder that turns them into tokens."""
