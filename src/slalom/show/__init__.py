"""How results are shown: ``views`` computes the numbers of a picture, ``plots`` and ``animation`` only draw them.

``views`` needs neither torch nor matplotlib. Drawing uses matplotlib's objects directly, never its global state, so
pictures can be made beside a user's own figures without disturbing them.
"""
