"""The order of samples: which comes when, to whom, and how to go on; no file, thread or clock."""
