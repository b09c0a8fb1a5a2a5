"""The language model of SemGrasp: reads words and an object, writes grasp tokens, and describes grasps in words."""

from semgrasp_ros.core.language.batches import Example
from semgrasp_ros.core.language.config import SMALL, LanguageConfig
from semgrasp_ros.core.language.decoding import Sides, TokenCandidate, generate, generate_many, score
from semgrasp_ros.core.language.describe import describe
from semgrasp_ros.core.language.folder import load_model, save_model
from semgrasp_ros.core.language.model import GraspLanguageModel
from semgrasp_ros.core.language.training import check, train_language_model
from semgrasp_ros.core.language.vocabulary import Vocabulary, train_vocabulary

__all__ = [
    "SMALL",
    "Example",
    "GraspLanguageModel",
    "LanguageConfig",
    "Sides",
    "TokenCandidate",
    "Vocabulary",
    "check",
    "describe",
    "generate",
    "generate_many",
    "load_model",
    "save_model",
    "score",
    "train_language_model",
    "train_vocabulary",
]
