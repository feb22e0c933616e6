"""Question and answer wordings, one file per task."""
