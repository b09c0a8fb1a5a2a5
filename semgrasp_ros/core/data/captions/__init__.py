"""English for grasps: requests at every level, dialogues and descriptions, from a grammar kept as text.

`captions(annotate(grasp, family), rng)` says what a grasp is; the grammar's phrases lie in `phrases/`, those that are
held out ("unseen") apart from those to learn from.
"""

from semgrasp_ros.core.data.captions.annotation import Annotation, annotate
from semgrasp_ros.core.data.captions.generate import KINDS, PHRASINGS, Caption, captions, templates

__all__ = ["KINDS", "PHRASINGS", "Annotation", "Caption", "annotate", "captions", "templates"]
