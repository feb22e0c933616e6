"""Hostile inputs: generators, readers, one table of what each reader says to each input, and generated mutations.

``table.csv`` has a row for every reader and input that were tried: ``taken`` (nothing is wrong with it), ``reported``
(the reader names the problem and goes on) or ``refused`` (an error of the package), with words that must be in what it
says. Inputs are functions of ``inputs/``, readers functions of ``readers.py``; ``guard.py`` holds what is true of every
row: no traceback, no end that does not come, nothing written or shown from outside, memory within a bound.

``python -m hostile --seconds 60``, run in ``tests/``, feeds readers generated inputs and prints how many.
"""
