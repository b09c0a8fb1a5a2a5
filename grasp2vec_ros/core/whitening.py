"""What differs between an object as it was taken and as it is held counts less.

phi_s(pre) - phi_s(post) and phi_o(held) differ for reasons other than the object: which of its sides shows, the fingers
before it, the floor that it hid. Over many grasps these differences are larger along some directions of the vectors
than along others. All directions are brought to nearly the same size of difference, so that what hardly hangs on the
object hardly counts: within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006), with a grasp
as the class. It needs no labels but the grasps themselves, and every further grasp can be counted in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

# Those that it was fitted to count as many, however many they were, so that a robot's own grasps soon count too.
FITTED_COUNT_AS = 100


class Whitening(nn.Module):
    """Matrices by which the parts of vectors are multiplied.

    Args:
        sizes: entries of the parts; a part that a model lacks has none.
        floor: is added to the moments of the differences, whose mean is brought to 1 before: the larger, the less is
            changed.

    Attributes:
        attempts: how many grasps the moments stand for.
    """

    def __init__(self, sizes: Sequence[int], floor: float) -> None:
        super().__init__()
        self._sizes, self._floor = tuple(sizes), floor
        self.register_buffer("attempts", torch.zeros(1))
        for i, size in enumerate(self._sizes):
            # Second moments of the differences, (size, size).
            self.register_buffer(f"moments{i}", torch.zeros(size, size))
            self.register_buffer(f"matrix{i}", torch.eye(size), persistent=False)
        self.register_load_state_dict_post_hook(lambda module, _: module._solve())

    def forward(self, vectors: Tensor) -> Tensor:
        """Vectors (..., D) of all parts, multiplied from the right, part by part."""
        return self._by_part(vectors, lambda part, i: part @ self.get_buffer(f"matrix{i}"))

    def map(self, part: int, maps: Tensor) -> Tensor:
        """One part's vectors of places, (B, D_i, h, w), multiplied as `forward` does."""
        return torch.einsum("bdhw,de->behw", maps, self.get_buffer(f"matrix{part}").to(maps))

    def undone(self, vectors: Tensor) -> Tensor:
        """What `forward` was given to come to these vectors, (..., D)."""
        return self._by_part(vectors, self._solved)

    def _solved(self, part: Tensor, i: int) -> Tensor:
        # The matrix is symmetric: from the left or from the right is the same.
        return torch.linalg.solve(self.get_buffer(f"matrix{i}"), part[..., None])[..., 0]

    @torch.no_grad()
    def count_in(self, grasps: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Takes grasps into account.

        Args:
            grasps: what left the scene, (D,), and views of what was held then, (V, D); their parts at unit length and
                not whitened.
        """
        for removed, held in grasps:
            before = float(self.attempts)
            for i, difference in enumerate((removed - held).split(self._sizes, dim=-1)):
                moments = self.get_buffer(f"moments{i}")
                moments.mul_(before).add_(difference.mT @ difference / len(held)).div_(before + 1)
            self.attempts += 1
        self._solve()

    def count_as(self, attempts: int) -> None:
        """Lets what was counted in so far count as so many grasps from now on."""
        self.attempts.fill_(attempts)

    @torch.no_grad()
    def _solve(self) -> None:
        """(C + floor)^-1/2, at a size that leaves mean differences as they are."""
        for i, size in enumerate(self._sizes):
            moments = self.get_buffer(f"moments{i}").double()
            mean = moments.trace() / max(1, size)
            if size == 0 or mean <= 0:
                continue
            sizes, directions = torch.linalg.eigh(moments / mean)
            scale = ((1 + self._floor) / (sizes.clamp(min=0) + self._floor)).sqrt()
            self.get_buffer(f"matrix{i}").copy_((directions * scale) @ directions.mT)

    def _by_part(self, vectors: Tensor, function: Callable[[Tensor, int], Tensor]) -> Tensor:
        parts = vectors.split(self._sizes, dim=-1)
        return torch.cat([function(part, i) for i, part in enumerate(parts)], dim=-1)
