"""Measurements: every method under two stated protocols, beside the numbers others print.

`measure` measures, `draw` makes tables and pictures of results; neither knows a command. A command
is a module here: table1 to table5, leak and where (tables), figure1 to figure7, times, flops,
training_runs, learn_banks, learn_models, adopt, publish, readme and report. They share `study`
(what a table or figure declares), `quality` and `crop_study` (declared once for several), and
`command` (options, and files written).
"""
