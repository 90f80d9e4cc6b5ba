"""Webhooks: a receiver that answers 202 only when the broker has what was sent."""
