"""The nodes of Grasp2Vec: one thin file each."""
