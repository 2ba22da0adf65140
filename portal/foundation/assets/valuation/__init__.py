"""What patents are worth: the figures are pure functions, the record keeps who may know them."""
