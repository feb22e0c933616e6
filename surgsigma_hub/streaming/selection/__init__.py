"""What a stream is made of: which datasets, which of their samples, and where those lie."""
