"""What the real-time API asks of the store: its clients, its answers, its view of orders."""
