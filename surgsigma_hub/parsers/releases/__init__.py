"""Grammars of one release each, where its form is found nowhere else."""
