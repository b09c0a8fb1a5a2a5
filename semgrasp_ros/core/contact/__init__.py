"""Hand and object in contact: the distance field of an object, and grasps found and refined on it."""
