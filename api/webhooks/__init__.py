"""The webhook inbox: processors post here, and what was acknowledged is stored."""
