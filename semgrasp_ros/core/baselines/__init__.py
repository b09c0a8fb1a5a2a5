"""Simple ways from words and an object to a grasp, for comparison with the language model."""

from semgrasp_ros.core.baselines.bag_of_words import BagOfWords
from semgrasp_ros.core.baselines.baseline import Answer, Baseline, TrainingSet
from semgrasp_ros.core.baselines.chance import Chance, RandomTokens
from semgrasp_ros.core.baselines.cvae import CVae
from semgrasp_ros.core.baselines.nearest import Nearest
from semgrasp_ros.core.baselines.sentence_encoder import SentenceEncoder, sentence_encoder_folder

__all__ = [
    "Answer",
    "BagOfWords",
    "Baseline",
    "CVae",
    "Chance",
    "Nearest",
    "RandomTokens",
    "SentenceEncoder",
    "TrainingSet",
    "sentence_encoder_folder",
]
