"""The shared language: what may be asked, at which centre, and how an answer travels."""
