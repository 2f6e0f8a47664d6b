"""The questions of a study, answered with the models of siting and grouping."""
