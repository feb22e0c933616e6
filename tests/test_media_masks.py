from __future__ import annotations

import numpy as np
import pytest
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.masks import render
from surgsigma_hub.records import Drawn, MaskImage, Polygons


def labels(values: np.ndarray) -> Drawn:
    return Drawn("labels", lambda: values)


def test_union_of_values_and_polygons() -> None:
    values = np.zeros((10, 20), np.uint8)
    values[:, :5], values[:, 5:8] = 1, 2
    picture = labels(values)
    square = Polygons((((0.75, 0.0), (1.0, 0.0), (1.0, 1.0), (0.75, 1.0)),))
    mask = render([MaskImage(picture, 1), square], width=20, height=10)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[:, :5].all() and not mask[:, 5:14].any() and mask[1:9, 16:19].all()
    assert np.array_equal(render([MaskImage(picture)], width=20, height=10) > 0, values > 0)


def test_no_mask_is_black_and_small_masks_are_scaled() -> None:
    assert not render([], width=4, height=3).any()
    small = np.eye(2, dtype=np.uint8)
    assert np.array_equal(
        render([MaskImage(labels(small))], width=4, height=4) > 0, np.kron(small, np.ones((2, 2))) > 0
    )


def test_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(MediaError, match="mask of 5 x 5 for a 8 x 4 frame"):
        render([MaskImage(labels(np.ones((5, 5), np.uint8)))], width=8, height=4)
