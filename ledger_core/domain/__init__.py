"""Pure decisions on values already read: standard library, and numpy where whole columns are decided."""
