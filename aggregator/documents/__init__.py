"""Reports and exports: what leaves the dashboard as a file."""
