"""Contracts: event types and their envelope, generated JSON Schema, charts, and the database schema as migrations."""
