"""The planner's own tables that a study file names."""
