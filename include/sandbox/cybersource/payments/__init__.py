"""Payments and what follows them: live requests, their rules, answers and history."""
