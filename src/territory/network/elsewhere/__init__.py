"""Travel times computed elsewhere: an agency's own table, a routing server."""
