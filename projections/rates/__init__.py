"""Exchange rates: the latest of each pair by its own time, and how far the book's own time has come."""
