"""One HTML file of a study or a race: what is to be seen, how it came about, and the data."""
