"""All that the stack keeps, in one archive, and back."""
