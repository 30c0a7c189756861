"""Webhooks: keys, subscriptions, events and their delivery."""
