"""Disputes over time: their deadlines watched, their write-offs built, decided and taken back."""
