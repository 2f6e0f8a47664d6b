"""What a study file may say, as validated objects; no data is opened."""
