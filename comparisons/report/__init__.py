"""One page that shows everything, `python -m comparisons.report -o report.html`."""
