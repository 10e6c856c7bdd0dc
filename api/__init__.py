"""What people and programs talk to: the query API and the command line."""
