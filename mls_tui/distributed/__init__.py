"""Imports spread over many machines: tasks in SQS queues, effects made once by the stores' own conditions."""
