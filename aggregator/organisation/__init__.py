"""The centre's organisation over time: versions of its document, and how figures follow."""
