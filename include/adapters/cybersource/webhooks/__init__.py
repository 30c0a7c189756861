"""Webhooks: is it theirs (``signature``), what does it say (``events``), who sends (``admin``)."""
