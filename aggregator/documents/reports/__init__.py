"""Reports: a period as plain data, and as PDF, DOCX and XLSX of it."""
