"""What is undone after forecasting: standardising, the yearly season, rolling level and scale."""
