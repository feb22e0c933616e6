"""What the task modules share: the form of a task, wordings, turns, questions of other kinds."""
