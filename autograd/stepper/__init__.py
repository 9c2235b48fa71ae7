"""The page of step_through, which plays a computation step by step.

Read in this order:
- page.py: ag.step_through and the page, with page.html, page.css and page.js.
- graph.py and steps.py: the graph and the steps as data. notation.py and words.py: formulas and sentences.
- layout.py: where the boxes stand.
"""
