"""The formats, one module each: ``ADAPTER`` says what a record holds and how files are written."""
