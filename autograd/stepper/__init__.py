"""What step_through() is made of: the steps of a computation as data, their layout, and the page that plays them."""
