"""Sound cards, cameras, screens and windows; the libraries behind them are imported only when one is opened."""
