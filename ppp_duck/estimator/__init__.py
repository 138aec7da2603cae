"""The engine as a scikit-learn estimator. Only this room imports scikit-learn."""
