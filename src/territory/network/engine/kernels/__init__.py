"""The compiled loops of the engine: arrays in, arrays out."""
