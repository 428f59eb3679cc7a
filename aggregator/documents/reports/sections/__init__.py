"""The sections of a report, a subject a file: figures in, sections out."""
