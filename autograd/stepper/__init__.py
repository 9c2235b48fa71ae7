"""The page of step_through, which plays a computation step by step.

Read in this order:
- step_through.py: ag.step_through.
- page.py: the page, with page.html, page.css, and the scripts graph.js, camera.js, player.js.
- graph.py and steps.py: the graph and the steps as data. notation.py and words.py: the formulas and sentences.
- layout.py: where the boxes go.
"""
