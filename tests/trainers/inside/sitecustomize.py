"""Lets trainers run beside a torch without CUDA, for which PyPI has neither torchvision nor torchaudio.

The compiled operators of torchvision do not load there, and two of them are looked up at import: they are declared
here, never defined, since what the trainers use of it, resizing, is plain Python over torch. torchaudio is imported by
LLaMA-Factory also where there is no sound: an empty module will do where it is missing, and where it is one for CUDA,
which does not load. Python reads this file by itself where ``PYTHONPATH`` names its folder.
"""

import importlib.abc
import importlib.machinery
import sys

kept = []
"""A library of operators is gone with its last reference."""


class _Empty(importlib.abc.Loader):
    def exec_module(self, module):
        pass


class _WithoutCuda(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchaudio":
            import torch

            there = importlib.machinery.PathFinder.find_spec(name, path) is not None
            return None if there and torch.version.cuda else importlib.machinery.ModuleSpec(name, _Empty())
        if name == "torchvision" and not kept:
            import torch

            kept.append(torch.library.Library("torchvision", "DEF") if torch.version.cuda is None else None)
            for operator in ("nms", "qnms") if kept[0] else ():
                kept[0].define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


sys.meta_path.insert(0, _WithoutCuda())
