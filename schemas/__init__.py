"""Contracts: event types, their envelope and JSON Schema, charts, and the database schema as migrations."""
