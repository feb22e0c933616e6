"""The only code that touches pixels."""
