"""What of the documentation is made from the code: the reference and the drawings."""
