"""Origins and destinations: checked, and attached to the road."""
