"""A rule that is not in force yet, tried on what happened: nobody is told and nothing is written."""
