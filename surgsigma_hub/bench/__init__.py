"""How fast a tree streams here, what it spends its time on, and what follows from that (``surgsigma bench``)."""
