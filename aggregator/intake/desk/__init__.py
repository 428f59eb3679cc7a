"""The data desk: tables as offices make them become the rows that the other readers take."""
