"""Files for download: reports, exports, and the process that makes them."""
