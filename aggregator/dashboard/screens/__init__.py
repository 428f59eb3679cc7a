"""The manager's screens, one noun a file: handlers that read a view and hand figures to a page."""
