"""From what cameras send to the cloud of one object."""
