"""Where listings and photos are stored: rows in DynamoDB or SQLite, photos in S3 or a folder; see ``base``."""
