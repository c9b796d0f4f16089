"""Importing Python files of the user's: each file has modules of its own, and what was run of them is recorded.

A file that slalom loads gets a *context*: a private set of modules, in which the file itself and the modules of its
folder, and of the folders that it adds to ``sys.path``, are found. Two files that each import a ``model.py`` of their
own therefore get two modules. In ``sys.modules`` these have names such as ``slalom.core.user_files.f2f61.model``, where
the digits are the file's path: every process that has slalom installed can import them by that name, so that their
classes can be pickled.

* :mod:`slalom.core.user_files.contexts`  contexts, and which module an ``import`` in one of them means
* :mod:`slalom.core.user_files.hooks`     what makes Python's import system use contexts
* :mod:`slalom.core.user_files.records`   which source text each module was run from, and what imported it
* :mod:`slalom.core.user_files.sources`   the files and packages that a user's file depends on, and their hashes
* :mod:`slalom.core.user_files.raised`    what the user's code raised, and where
"""

from slalom.core.user_files.hooks import install

install()
