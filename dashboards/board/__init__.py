"""The live board: the service right now on one page, for a wall screen and for a desk."""
