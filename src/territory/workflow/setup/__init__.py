"""Before the first run: a study file made, the installation examined."""
