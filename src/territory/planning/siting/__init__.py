"""Where to put sites: set cover, maximal coverage, p-median, p-center, with proven bounds."""
