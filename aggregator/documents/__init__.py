"""What is taken along: reports, exports, and the process that makes them."""
