"""The page of step_through, which plays a computation step by step.

Read in this order:
- page.py: ag.step_through and the page: page.html, page.css, and the scripts graph.js, camera.js, player.js.
- graph.py and steps.py: the graph and the steps as data. notation.py and words.py: the formulas and sentences.
- layout.py: where the boxes go.
"""
