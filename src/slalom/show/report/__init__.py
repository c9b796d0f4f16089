"""One HTML file of a study or a race: what is to be seen, how it came about, and the data."""

from slalom.show.report.building import race_html, studies_html, study_html, training_html

__all__ = ["race_html", "studies_html", "study_html", "training_html"]
