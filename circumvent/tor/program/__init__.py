"""tor itself, where it is installed: started for one bridge, watched while it bootstraps, and taken away again."""
