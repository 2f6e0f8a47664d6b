"""Maps: classes, outlines, labels, legends and margins."""
