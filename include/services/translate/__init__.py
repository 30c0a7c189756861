"""Pure translation: a shop's JSON to our order, our order to what the ERP is told."""
