"""Files of the DREES: hospital activity (SAE) and the published APL."""
