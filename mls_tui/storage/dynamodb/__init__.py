"""The listing store on AWS: one DynamoDB table with the index GSI1."""

from mls_tui.storage.dynamodb.store import DynamoDBListingStore

__all__ = ["DynamoDBListingStore"]
