"""The sink: rows (DynamoDB or SQLite) and photos (S3 or a folder) behind two protocols, see ``base``."""
